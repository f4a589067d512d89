"""Rounds of models with shared weights, against FedGNN in plain loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.evaluation.outcome import averages
from jaxfr.experiment import Experiment
from jaxfr.models import Model, fedgnn
from jaxfr.models.bpr import bpr_model
from jaxfr.models.fedmf import init_embeddings
from jaxfr.parts import part
from jaxfr.training import Setup, TrainingState, simulate
from jaxfr.training.keys import Purpose, key_for
from tests.models.plain_fedgnn import Theta, drawn_theta, theta_from
from tests.training.problem import (
    DIM,
    EXPERIMENT,
    NUM_USERS,
    ROOM,
    changed,
    compiled_start,
    drawn_values,
    one_round,
    participants,
    per_client,
    small_dataset,
    small_layout,
    user_embeddings,
)
from tests.training.reference import Scenario
from tests.training.reference_fedgnn import GraphScenario, simulate_round

ROUNDS = 4
# Numbers decide who takes part, and so a program serves many runs.
EVERYONE = changed(EXPERIMENT, learning_rate=0.1, participation=1.0)
SOME = changed(EVERYONE, participation=0.6, attack_start=1)
NOBODY = changed(EVERYONE, malicious_clients=0)


def of_graph(
    base: Experiment, attack: str, aggregator: str, neighbours: int = 0
) -> Experiment:
    model = fedgnn(DIM, neighbours)
    return changed(base, attack=attack, aggregator=aggregator, model=model)


def flat(theta: Theta) -> np.ndarray:
    return np.concatenate([leaf.ravel() for leaf in theta])


def weights_of(state: TrainingState) -> np.ndarray:
    assert state.weights is not None
    return np.asarray(state.weights.values[0])


@functools.cache
def started(attack: str, neighbours: int = 0) -> tuple[Setup, TrainingState]:
    """With rows grouped by item, which serves every rule."""
    given = drawn_values()._replace(weights=jnp.float32(flat(drawn_theta(1, DIM))))
    return compiled_start(
        of_graph(EVERYONE, attack, "median", neighbours),
        small_layout(with_neighbours=neighbours > 0),
        jax.random.key(3),
        given,
    )


def noise_on_weights(state: TrainingState) -> np.ndarray:
    assert state.weights is not None
    noise = getattr(state.weights.attack, "noise", None)
    return np.zeros(flat(drawn_theta(1, DIM)).size) if noise is None else noise[0]


def scenario_of(experiment: Experiment, state: TrainingState) -> GraphScenario:
    given = drawn_values()
    attack = experiment.attack.name
    setup, _ = started(attack, experiment.model.neighbours_per_item)
    plain = Scenario(
        positives=per_client(small_dataset().train_items),
        negatives=per_client(np.asarray(given.negatives)),
        users=np.asarray(given.user_embeddings, np.float64),
        items=np.asarray(given.item_embeddings, np.float64),
        noise=np.asarray(given.noise, np.float64),
        poisoned=np.ones((ROOM, small_dataset().num_items), bool),
        attack=attack,
        aggregator=experiment.aggregator.name,
        expected_byzantine=ROOM,
        learning_rate=float(EVERYONE.learning_rate),
        regularization=float(EVERYONE.regularization),
    )
    return GraphScenario(
        plain=plain,
        weights=flat(drawn_theta(1, DIM)),
        noise_on_weights=np.asarray(noise_on_weights(state), np.float64),
        neighbours=per_client(np.asarray(setup.neighbours)),
    )


@functools.cache
def compared(
    attack: str, aggregator: str, base: Experiment, neighbours: int = 0
) -> TrainingState:
    """Runs both, and compares everything after every round."""
    experiment = of_graph(base, attack, aggregator, neighbours)
    layout = small_layout(with_neighbours=neighbours > 0)
    setup, state = started(attack, neighbours)
    scenario = scenario_of(experiment, state)
    for number in range(ROUNDS):
        round_number = jnp.int32(number)
        key = key_for(setup.key, Purpose.PARTICIPATION, number)
        taking_part = participants(experiment, layout, key, round_number)
        state, counts = one_round(experiment, layout, setup, state, round_number)
        scenario = simulate_round(scenario, *map(np.asarray, taking_part))
        for found, expected in (
            (user_embeddings(state), scenario.plain.users),
            (state.item_embeddings, scenario.plain.items),
            (weights_of(state), scenario.weights),
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
        assert counts.dropped == 0
        assert counts.overflow == 0
    return state


@pytest.mark.parametrize(
    ("attack", "aggregator", "base"),
    [
        ("spattack_o_d", "mean", EVERYONE),
        ("spattack_o_d", "median", SOME),
        ("spattack_o_d", "mean", NOBODY),
        ("spattack_l_d", "median", EVERYONE),
        ("spattack_l_d", "mean", SOME),
    ],
)
def test_rounds_are_those_of_the_plain_simulation(attack, aggregator, base):
    found = compared(attack, aggregator, base)
    moved = np.abs(user_embeddings(found) - drawn_values().user_embeddings)
    assert np.max(moved) > 0.1


def test_each_number_of_the_weights_has_noise_of_its_own():
    noise = noise_on_weights(started("spattack_l_d")[1])
    assert 0.5 < np.std(noise) < 1.5


def test_weights_that_are_not_finite_are_left_out_and_counted_too():
    setup, state = started("spattack_o_d")
    broken = state.clients.embedding.at[0].set(jnp.nan)
    state = state._replace(clients=state.clients._replace(embedding=broken))
    experiment = of_graph(NOBODY, "spattack_o_d", "mean")
    after, counts = one_round(experiment, small_layout(), setup, state, jnp.int32(0))
    pairs = (
        per_client(small_dataset().train_items),
        per_client(np.asarray(setup.pairs.negatives)),
    )
    assert counts.dropped == len({*pairs[0][0], *pairs[1][0]}) + 1
    assert np.all(np.isfinite(weights_of(after)))


# --- neighbours ---


def test_rounds_with_neighbours_are_those_of_the_plain_simulation():
    found = compared("spattack_o_d", "mean", SOME, neighbours=2)
    without = compared("spattack_o_d", "mean", SOME)
    change = user_embeddings(found) - user_embeddings(without)
    assert np.max(np.abs(change)) > 0.01


def test_neighbours_hold_the_pair_s_item_and_change_nothing_else_that_is_drawn():
    (setup, state), (without, plain_state) = (
        started("spattack_o_d", number) for number in (2, 0)
    )
    users, items = small_dataset().train_users, small_dataset().train_items
    neighbours = np.asarray(setup.neighbours)
    assert neighbours.shape == (items.size, 2)
    for user, item, found in zip(users, items, neighbours, strict=True):
        others = set(users[items == item].tolist()) - {int(user)}
        assert set(found.tolist()) <= (others or {-1})
    assert without.neighbours.shape == (items.size, 0)
    same = setup._replace(neighbours=without.neighbours), state
    jax.tree.map(np.testing.assert_array_equal, same[1], plain_state)
    jax.tree.map(np.testing.assert_array_equal, same[0].pairs, without.pairs)


# --- what the weights start from, and other models ---


def test_weights_that_are_not_given_are_drawn_by_seed():
    drawn = []
    for seed in (0, 1, 0):
        key = jax.random.key(seed)
        experiment = of_graph(EVERYONE, "spattack_l_s", "median")
        _, state = compiled_start(experiment, small_layout(), key)
        drawn.append(weights_of(state))
        # All poison the weights, with noise that is none of an item's.
        assert state.weights is not None
        assert np.all(state.weights.attack.chosen)
        of_items = np.ravel(state.items.attack.noise)
        assert not np.isin(noise_on_weights(state), of_items).any()
    theta = theta_from(drawn[0], DIM)
    assert np.max(np.abs(theta.own)) <= np.sqrt(6 / (2 * DIM))  # Glorot
    assert np.all(drawn[0] != drawn[1])
    np.testing.assert_array_equal(drawn[0], drawn[2])


def scaled_scores(weights, representation, items):
    return (items * weights["scale"]) @ representation + weights["shift"] * items[:, 0]


def init_scale(key: jax.Array, embedding_dim: int):
    del key
    return {"scale": jnp.ones(embedding_dim), "shift": jnp.zeros(())}


@part
def scaled_model() -> Model:
    """A model of one's own, told by its score."""
    return bpr_model(init_embeddings, init_scale, scaled_scores, embedding_dim=DIM)


def test_a_model_of_one_s_own_is_trained_attacked_and_evaluated_as_any_other():
    of_model = {"attack": "spattack_l_d", "aggregator": "median"}
    nobody, everyone = (
        changed(base, **of_model, model=scaled_model()) for base in (NOBODY, EVERYONE)
    )
    layout, key, given = small_layout(), jax.random.key(0), drawn_values()
    run = jax.jit(lambda experiment: simulate(experiment, layout, 9, key, 4, given))
    _, before = compiled_start(nobody, layout, key, given)
    clean, report = run(nobody)
    attacked, _ = run(everyone)
    assert weights_of(clean).shape == (DIM + 1,)
    assert np.max(np.abs(weights_of(clean) - weights_of(before))) > 0.01

    for one, other in zip(attacked[1:], clean[1:], strict=True):  # items and weights
        assert np.max(np.abs(one.values - other.values)) > 0.1
    assert report.outcome.num_users[-1, 0] == NUM_USERS - 1
    evaluated = np.asarray(report.evaluated)
    ndcg = averages(nobody.metrics, report.outcome)["ndcg@10"]
    assert np.all(np.isfinite(ndcg) == evaluated)

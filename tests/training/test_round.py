"""One round after another, against the simulation in plain loops."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.experiment import Experiment
from jaxfr.models import Model, fedmf
from jaxfr.parts import Part, part
from jaxfr.training import Setup, TrainingState
from jaxfr.training.keys import Purpose, key_for
from jaxfr.training.start import attack_knowledge
from tests.training.problem import (
    DIM,
    EXPERIMENT,
    NUM_USERS,
    ROOM,
    changed,
    compiled_pairs,
    compiled_start,
    configured,
    drawn_values,
    for_server_of,
    one_round,
    participants,
    per_client,
    small_dataset,
    small_layout,
    user_embeddings,
)
from tests.training.reference import Scenario, simulate_round

ROUNDS = 5
LEARNING_RATE, CLIP_NORM = 0.2, 0.4
OPTIONS = {
    "spattack_o_s": "spattack_o_s:max_poisoned_items=6",
    "spattack_l_s": "spattack_l_s:max_poisoned_items=6",
    "norm": f"norm:{CLIP_NORM}",
}


def trained(attack: str, aggregator: str, **changes: Any) -> Experiment:
    """As ``configured``, with the options and the learning rate of these tests."""
    parts = OPTIONS.get(attack, attack), OPTIONS.get(aggregator, aggregator)
    return configured(*parts, **{"learning_rate": LEARNING_RATE, **changes})


@functools.cache
def started(
    attack: str, model: Part[Model] = EXPERIMENT.model, keep_repeats: bool = False
) -> tuple[Setup, TrainingState]:
    """The start with rows grouped by item, which serves every rule that may group."""
    key = jax.random.key(3)
    experiment = trained(attack, "median", model=model)
    if keep_repeats:
        experiment = trained(attack, "mean", repeated_negatives="reference")
    return compiled_start(experiment, small_layout(), key, drawn_values())


def start_of(experiment: Experiment) -> tuple[Setup, TrainingState]:
    keep_repeats = experiment.repeated_negatives == "reference"
    return started(experiment.attack.name, experiment.model, keep_repeats)


def scenario_of(experiment: Experiment) -> Scenario:
    attack, aggregator = experiment.attack.name, experiment.aggregator.name
    setup, state = start_of(experiment)
    knowledge = attack_knowledge(experiment, small_layout(), setup.pairs, setup.targets)
    poisoned = experiment.attack.make().poisoned_items(state.items.attack, knowledge)
    given = drawn_values()
    return Scenario(
        positives=per_client(small_dataset().train_items),
        negatives=per_client(np.asarray(given.negatives)),
        users=np.asarray(given.user_embeddings, np.float64),
        items=np.asarray(given.item_embeddings, np.float64),
        noise=np.asarray(given.noise, np.float64),
        poisoned=np.asarray(poisoned),
        attack=attack,
        aggregator=aggregator,
        dense=experiment.aggregation == "dense",
        keep_repeats=experiment.repeated_negatives == "reference",
        expected_byzantine=ROOM,
        clip_norm=CLIP_NORM,
        learning_rate=LEARNING_RATE,
        regularization=0.1,
    )


def assert_rounds_agree(experiment: Experiment) -> None:
    """Runs both and compares all embeddings after every round."""
    layout, scenario = small_layout(), scenario_of(experiment)
    setup, state = start_of(experiment)
    state = for_server_of(experiment, state)
    for number in range(ROUNDS):
        round_number = jnp.int32(number)
        key = key_for(setup.key, Purpose.PARTICIPATION, number)
        taking_part = participants(experiment, layout, key, round_number)
        state, counts = one_round(experiment, layout, setup, state, round_number)
        scenario = simulate_round(scenario, *map(np.asarray, taking_part))
        np.testing.assert_allclose(user_embeddings(state), scenario.users, atol=1e-5)
        np.testing.assert_allclose(state.item_embeddings, scenario.items, atol=1e-5)
        assert counts.dropped == 0
        assert counts.overflow == 0
    moved = np.abs(scenario.users - np.asarray(drawn_values().user_embeddings))
    assert moved.max() > 0.1


# Each attack and each rule: neither asks which the other is.
@pytest.mark.device
@pytest.mark.parametrize(
    ("attack", "aggregator"),
    [
        *(("none", "mean"), ("spattack_o_d", "mean"), ("spattack_o_d", "median")),
        *(("spattack_o_s", "krum"), ("spattack_l_d", "trimmed_mean")),
        ("spattack_l_s", "norm"),
    ],
)
def test_rounds_are_those_of_the_plain_simulation(attack, aggregator):
    assert_rounds_agree(trained(attack, aggregator))


def test_dense_rounds_are_those_of_the_plain_simulation():
    dense = trained("spattack_o_s", "trimmed_mean", aggregation="dense")
    assert_rounds_agree(dense)


def test_partial_participation_is_that_of_the_plain_simulation():
    some = {"participation": 0.6, "attack_start": 2}
    assert_rounds_agree(trained("spattack_o_s", "median", **some))


@pytest.mark.parametrize(
    ("aggregator", "malicious_clients"), [("mean", ROOM), ("norm", ROOM), ("mean", 0)]
)
def test_so_are_rounds_in_which_every_draw_of_a_negative_is_a_row_of_its_own(
    aggregator, malicious_clients
):
    kept = {"repeated_negatives": "reference", "malicious_clients": malicious_clients}
    assert_rounds_agree(trained("spattack_o_d", aggregator, **kept))


def test_an_s_attacker_poisons_as_many_items_where_repeats_are_rows():
    apart, merged = (started("spattack_o_d", keep_repeats=kept) for kept in (1, 0))
    assert apart[0].pairs.most_uploaded == merged[0].pairs.most_uploaded


@part
def whole_clients() -> Model:
    """FedMF without its form for pairs."""
    return fedmf(DIM).make()._replace(pair_gradients=None)


def test_a_model_that_takes_clients_as_a_whole_has_the_same_rounds():
    """Also where the first of two equally good rows wins, as in Krum."""
    assert_rounds_agree(trained("none", "krum", model=whole_clients()))


# --- who takes part ---


def drawn_participants(number: int = 0, draws: int = 500, **changes: Any):
    draw = jax.vmap(participants, in_axes=(None, None, 0, None))
    keys = jax.random.split(jax.random.key(0), draws)
    experiment = changed(EXPERIMENT, **changes)
    benign, malicious = draw(experiment, small_layout(), keys, jnp.int32(number))
    return np.asarray(benign), np.asarray(malicious)


@pytest.mark.parametrize(
    ("share", "clients"), [(0.01, 2), (0.5, 0), (0.7, 2), (1.0, ROOM)]
)
def test_exactly_the_wanted_share_of_all_clients_takes_part(share, clients):
    benign, malicious = drawn_participants(
        draws=50, participation=share, malicious_clients=clients
    )
    wanted = max(round(share * (NUM_USERS + clients)), 1)
    assert np.all(benign.sum(axis=1) + malicious.sum(axis=1) == wanted)
    assert not malicious[:, clients:].any()


def test_every_client_takes_part_equally_often():
    drawn = np.hstack(drawn_participants(participation=0.4))
    share = drawn.sum() / drawn.size
    deviation = np.sqrt(share * (1 - share) / len(drawn))
    assert np.all(np.abs(drawn.mean(axis=0) - share) < 4 * deviation)


def test_before_the_start_round_no_malicious_client_takes_part():
    before, at_start = (
        drawn_participants(number, participation=0.8, attack_start=3)
        for number in (2, 3)
    )
    assert not before[1].any()
    assert at_start[1].any()
    np.testing.assert_array_equal(before[0], at_start[0])


def test_what_attackers_learn_in_a_round_is_kept():
    experiment, layout = trained("label_flip", "mean"), small_layout()
    setup, state = compiled_start(experiment, layout, jax.random.key(3))
    after, _ = one_round(experiment, layout, setup, state, jnp.int32(0))
    before, learned = state.items.attack.embedding, after.items.attack.embedding
    assert np.all(np.any(before != learned, axis=1))


# --- negatives, and items without an upload ---


def item_steps(number: int, **changes: Any) -> np.ndarray:
    setup, state = started("none")
    experiment, layout = trained("none", "mean", **changes), small_layout()
    new_state, _ = one_round(experiment, layout, setup, state, jnp.int32(number))
    return np.asarray(new_state.item_embeddings - state.item_embeddings)


def test_fixed_negatives_are_the_same_in_every_round():
    first, second = map(item_steps, (0, 1))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("form", ["merged", "reference"])
def test_resampled_negatives_are_drawn_anew_each_round(form):
    resampled = {"negatives": "resample", "repeated_negatives": form}
    steps = [item_steps(number, **resampled) for number in (0, 1)]
    assert np.abs(steps[0] - steps[1]).max() > 0.01
    (setup, state), layout = started("none"), small_layout()
    as_fixed = trained("none", "mean", repeated_negatives=form)
    for number, step in enumerate(steps):
        pairs = compiled_pairs(as_fixed, layout, setup.key, number)
        with_pairs = setup._replace(pairs=pairs)
        fixed, _ = one_round(as_fixed, layout, with_pairs, state, jnp.int32(0))
        expected = fixed.item_embeddings - state.item_embeddings
        np.testing.assert_allclose(step, expected, atol=1e-6)


def items_in_play(setup: Setup, taking_part: np.ndarray) -> np.ndarray:
    """Items that some client of those taking part holds or drew."""
    items = np.stack([small_dataset().train_items, setup.pairs.negatives])
    received = np.zeros(small_layout().num_items, bool)
    received[items[:, taking_part[small_dataset().train_users]]] = True
    return received


def test_whoever_has_no_part_stays_as_it_is_with_its_optimiser():
    experiment = trained(
        "none",
        "mean",
        participation=0.1,
        malicious_clients=0,
        client_optimizer="adam",
        server_optimizer="adam",
    )
    layout, key = small_layout(), jax.random.key(3)
    setup, state = compiled_start(experiment, layout, key)
    for number in range(4):
        key = key_for(setup.key, Purpose.PARTICIPATION, number)
        benign, _ = participants(experiment, layout, key, jnp.int32(number))
        after, _ = one_round(experiment, layout, setup, state, jnp.int32(number))
        moved = np.any(after.item_embeddings != state.item_embeddings, axis=1)
        np.testing.assert_array_equal(moved, items_in_play(setup, np.asarray(benign)))
        assert 0 < moved.sum() < layout.num_items
        learned = np.any(user_embeddings(after) != user_embeddings(state), axis=1)
        np.testing.assert_array_equal(learned, benign)
        for table, idle in ((after.items, ~moved), (after.clients, ~learned)):
            before = state.items if table is after.items else state.clients
            jax.tree.map(
                lambda new, old, idle=idle: np.testing.assert_array_equal(
                    new[idle], old[idle]
                ),
                table.optimizer,
                before.optimizer,
            )
        state = after


def test_an_upload_that_is_not_finite_is_left_out_and_counted():
    setup, state = started("none")
    values = state.item_embeddings.at[0].set(jnp.nan)
    broken = state._replace(items=state.items._replace(values=values))
    experiment, layout = trained("none", "mean"), small_layout()
    after, counts = one_round(experiment, layout, setup, broken, jnp.int32(0))
    items = np.stack([small_dataset().train_items, setup.pairs.negatives])
    holders = np.unique(small_dataset().train_users[np.any(items == 0, axis=0)])
    assert counts.dropped >= holders.size > 0
    assert np.all(np.isfinite(after.item_embeddings[1:]))

"""What a seed decides before round 0."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.clients.negatives import TiledPairs
from jaxfr.errors import InvalidInputError
from jaxfr.models import fedgnn, fedmf
from jaxfr.models.base import Model
from jaxfr.parts import part
from jaxfr.training import (
    GivenValues,
    Setup,
    TrainingState,
    memory,
    run_key,
    start,
)
from tests.training.problem import (
    DIM,
    EXPERIMENT,
    NUM_ITEMS,
    NUM_USERS,
    ROOM,
    changed,
    compiled_pairs,
    compiled_start,
    configured,
    drawn_values,
    per_client,
    small_dataset,
    small_layout,
    user_embeddings,
)


@functools.cache
def started(attack: str = "none", seed: int = 0) -> tuple[Setup, TrainingState]:
    number = 0 if attack == "none" else ROOM
    experiment = changed(EXPERIMENT, attack=attack, malicious_clients=number)
    layout = small_layout().with_room(number)
    return compiled_start(experiment, layout, jax.random.key(seed))


@functools.cache
def started_from_given_values() -> tuple[Setup, TrainingState]:
    experiment = configured("spattack_l_d", "median")
    key = jax.random.key(0)
    return compiled_start(experiment, small_layout(), key, drawn_values())


def drawn(setup: Setup, state: TrainingState) -> tuple:
    """All that does not concern the attack."""
    return setup.pairs, setup.candidates, state.clients, state.item_embeddings


def negatives(setup: Setup) -> list[np.ndarray]:
    """Of every client, in the order of its training pairs."""
    return per_client(np.asarray(setup.pairs.negatives))


@pytest.mark.parametrize("attack", ["spattack_o_s", "spattack_l_s"])
def test_adding_an_attack_changes_nothing_else_that_is_drawn(attack):
    clean, attacked = drawn(*started()), drawn(*started(attack))
    jax.tree.map(np.testing.assert_array_equal, clean, attacked)


def test_another_seed_draws_everything_anew():
    (first, state), (second, other) = started(), started(seed=1)
    assert np.all(state.item_embeddings != other.item_embeddings)
    assert np.all(state.clients.embedding != other.clients.embedding)
    changed = [
        np.any(mine != theirs)
        for mine, theirs in zip(negatives(first), negatives(second), strict=True)
    ]
    assert sum(changed) > NUM_USERS / 2
    assert np.any(first.candidates != second.candidates)


@part
def whole_clients() -> Model:
    return fedmf(DIM).make()._replace(pair_gradients=None)


def test_negatives_do_not_depend_on_how_the_pairs_are_laid_out():
    drawn = [
        compiled_pairs(
            configured("none", "median", model=model), small_layout(), jax.random.key(5)
        )
        for model in (fedmf(DIM), whole_clients())
    ]
    for pairs in drawn[1:]:
        np.testing.assert_array_equal(pairs.negatives, drawn[0].negatives)
        assert pairs.most_uploaded == drawn[0].most_uploaded
        assert pairs.overflow == 0


def test_in_full_ranking_no_candidates_are_drawn():
    experiment = changed(EXPERIMENT, ranking="full")
    setup, _ = compiled_start(experiment, small_layout(), jax.random.key(0))
    assert setup.candidates.shape == (NUM_USERS, 0)


def test_an_s_attacker_poisons_as_many_items_as_the_busiest_client_uploads():
    setup, state = started("spattack_o_s")
    positives = per_client(small_dataset().train_items)
    most = max(
        held.size + len(np.unique(own))
        for held, own in zip(positives, negatives(setup), strict=True)
    )
    assert setup.pairs.most_uploaded == most
    occurring = int(np.sum(small_dataset().item_popularity > 0))
    assert np.all(np.sum(state.items.attack.chosen, axis=1) == min(most, occurring))


def test_an_s_attacker_poisons_the_wanted_number_where_one_is_given():
    _, state = started("spattack_o_s:max_poisoned_items=4")
    assert np.all(np.sum(state.items.attack.chosen, axis=1) == 4)


def test_given_values_are_used_as_they_are():
    given, (setup, state) = drawn_values(), started_from_given_values()
    users = user_embeddings(state)
    np.testing.assert_array_equal(users, given.user_embeddings)
    np.testing.assert_array_equal(state.item_embeddings, given.item_embeddings)
    np.testing.assert_array_equal(state.items.attack.noise, given.noise)
    assert given.negatives is not None
    np.testing.assert_array_equal(np.concatenate(negatives(setup)), given.negatives)


def test_values_that_are_not_given_are_drawn_as_ever():
    setup, state = compiled_start(
        changed(EXPERIMENT, malicious_clients=0),
        small_layout().with_room(0),
        jax.random.key(0),
        GivenValues(item_embeddings=jnp.ones((NUM_ITEMS, DIM))),
    )
    fresh_setup, fresh = started()
    np.testing.assert_array_equal(state.item_embeddings, 1.0)
    jax.tree.map(np.testing.assert_array_equal, state.clients, fresh.clients)
    jax.tree.map(np.testing.assert_array_equal, setup.pairs, fresh_setup.pairs)


def test_rows_are_grouped_by_item_only_for_a_rule_that_asks():
    assert started()[0].pairs.item_groups == ()
    setup, _ = started_from_given_values()
    rows = np.concatenate([group.rows.ravel() for group in setup.pairs.item_groups])
    assert isinstance(setup.pairs.laid_out, TiledPairs)
    sent = np.sum(setup.pairs.laid_out.sent)
    assert np.sum(rows >= 0) == len(np.unique(rows[rows >= 0])) == sent
    assert setup.pairs.overflow == 0


def test_a_key_of_another_kind_is_refused():
    with pytest.raises(InvalidInputError, match=r"^key: is rbg; must be"):
        start(EXPERIMENT, small_layout(), jax.random.key(0, impl="rbg"))


@pytest.mark.parametrize(
    "model",
    [fedmf(10**9), fedgnn(DIM, neighbours_per_item=10**9)],
    ids=["embeddings", "neighbours"],
)
def test_what_cannot_fit_into_memory_is_refused_before_it_is_allocated(
    monkeypatch, model
):
    monkeypatch.setattr(memory, "available_memory", lambda: 10**10)
    layout = small_layout(with_neighbours=True)
    with pytest.raises(InvalidInputError, match=r"^a run keeps \d+\.\d+ GB, .* free"):
        start(changed(EXPERIMENT, model=model), layout, run_key(0))

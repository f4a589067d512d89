"""Rounds with pseudo items, and with local differential privacy."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.training import Setup, TrainingState
from jaxfr.training.round import train_round
from tests.training.problem import (
    DIM,
    NUM_ITEMS,
    NUM_USERS,
    compiled_start,
    configured,
    drawn_values,
    one_round,
    per_client,
    small_dataset,
    small_layout,
    user_embeddings,
)

PSEUDO, LEARNING_RATE, CLIP = 3, 0.2, 1e-3


def experiment_of(aggregator: str, pseudo: int = 0, **changes: Any) -> Experiment:
    return configured(
        "none",
        aggregator,
        learning_rate=LEARNING_RATE,
        pseudo_items=pseudo,
        **changes,
    )


@functools.cache
def started(experiment: Experiment) -> tuple[Setup, TrainingState]:
    layout = small_layout(pseudo_items=experiment.pseudo_items)
    return compiled_start(experiment, layout, jax.random.key(0), drawn_values())


def after_round(
    aggregator: str, pseudo: int = 0, number: int = 0, **changes: Any
) -> TrainingState:
    experiment = experiment_of(aggregator, pseudo, **changes)
    setup, state = started(experiment)
    layout = small_layout(pseudo_items=pseudo)
    after, counts = one_round(experiment, layout, setup, state, jnp.int32(number))
    assert counts.dropped == 0
    assert counts.overflow == 0
    return after


def moved(state: TrainingState) -> np.ndarray:
    """How far each item's numbers went, ``[m, d]``."""
    start = np.asarray(drawn_values().item_embeddings)
    return np.asarray(state.item_embeddings) - start


def sent_items(setup: Setup, trained: bool) -> list[set[int]]:
    """Items of each client's batch: those of its pairs, or all that it sends."""
    sent: list[set[int]] = [set() for _ in range(NUM_USERS)]
    batches = setup.pairs.laid_out
    assert isinstance(batches, tuple)
    for group, batch in zip(small_layout().clients, batches, strict=True):
        for row, client in enumerate(np.asarray(group.client)):
            one = jax.tree.map(lambda leaf: leaf[row], batch)  # noqa: B023
            chosen = one.trained if trained else one.present
            sent[client] = set(np.asarray(one.items)[np.asarray(chosen)].tolist())
    return sent


# --- pseudo items ---


def test_a_client_sends_its_pairs_items_and_pseudo_items_that_it_does_not_hold():
    setup, _ = started(experiment_of("median", PSEUDO))
    positives = per_client(small_dataset().train_items)
    negatives = per_client(np.asarray(drawn_values().negatives))
    trained, sent = (sent_items(setup, which) for which in (True, False))
    more = 0
    for client in range(NUM_USERS):
        assert trained[client] == {*positives[client], *negatives[client]}
        added = sent[client] - trained[client]
        assert len(added) <= PSEUDO
        assert trained[client] <= sent[client]
        more += len(added)
    assert more > NUM_USERS


def test_every_row_finds_its_place_by_item_pseudo_rows_among_them():
    setup, _ = started(experiment_of("median", PSEUDO))
    assert setup.pairs.overflow == 0
    count = np.zeros(NUM_ITEMS, int)
    for group in setup.pairs.item_groups:
        np.add.at(count, np.asarray(group.items), np.sum(group.rows >= 0, axis=1))
    sent = sent_items(setup, trained=False)
    expected = [sum(item in own for own in sent) for item in range(NUM_ITEMS)]
    np.testing.assert_array_equal(count, expected)
    busiest = max(len(own) for own in sent)
    assert setup.pairs.most_uploaded == busiest


def test_just_the_items_that_somebody_pretends_to_hold_move_otherwise():
    setup, _ = started(experiment_of("mean", PSEUDO))
    trained, sent = (sent_items(setup, which) for which in (True, False))
    pretended = set().union(
        *(more - own for more, own in zip(sent, trained, strict=True))
    )
    real = np.array([item not in pretended for item in range(NUM_ITEMS)])
    assert 0 < real.sum() < NUM_ITEMS
    found, plain = after_round("mean", PSEUDO), after_round("mean")
    np.testing.assert_allclose(user_embeddings(found), user_embeddings(plain), 1e-6)
    np.testing.assert_allclose(moved(found)[real], moved(plain)[real], atol=1e-6)
    changed = np.abs(moved(found) - moved(plain))[~real]
    assert np.all(changed.max(axis=1) > 1e-5)


def test_pseudo_rows_are_drawn_anew_in_every_round_by_the_same_items():
    first, second = (after_round("mean", PSEUDO, number=number) for number in (0, 1))
    np.testing.assert_array_equal(user_embeddings(first), user_embeddings(second))
    assert np.max(np.abs(moved(first) - moved(second))) > 1e-3


# --- local differential privacy ---


def test_a_small_clip_bounds_how_far_any_item_moves_and_leaves_users_alone():
    found, plain = after_round("median", privacy_clip=CLIP), after_round("median")
    steps = np.abs(moved(found))
    limit = LEARNING_RATE * CLIP
    assert np.max(steps) <= 1.001 * limit
    assert np.median(steps.max(axis=1)) > 0.3 * limit
    assert np.max(np.abs(moved(plain))) > 10 * limit
    np.testing.assert_allclose(user_embeddings(found), user_embeddings(plain), 1e-6)


def test_weights_are_clipped_too():
    found = after_round("mean", privacy_clip=CLIP, model=f"fedgnn:{DIM}")
    private = experiment_of("mean", privacy_clip=CLIP, model=f"fedgnn:{DIM}")
    _, before = started(private)
    assert found.weights is not None
    assert before.weights is not None
    steps = np.abs(found.weights.values - before.weights.values)
    assert 0 < np.max(steps) <= 1.001 * LEARNING_RATE * CLIP


def test_noise_is_drawn_anew_in_every_round():
    first, second = (
        after_round("mean", privacy_clip=CLIP, privacy_noise=0.1, number=number)
        for number in (0, 1)
    )
    assert np.max(np.abs(moved(first) - moved(second))) > 1e-3
    np.testing.assert_array_equal(user_embeddings(first), user_embeddings(second))
    quiet = after_round("mean", privacy_clip=CLIP)
    assert np.max(np.abs(moved(first) - moved(quiet))) > 1e-3


def test_a_setup_without_the_clients_privacy_is_refused_where_they_have_it():
    setup, state = started(experiment_of("mean"))
    private, layout = experiment_of("mean", privacy_clip=CLIP), small_layout()
    with pytest.raises(InvalidInputError, match="setup: was started for another"):
        jax.eval_shape(
            functools.partial(train_round, private, layout),
            setup,
            state,
            jnp.int32(0),
        )

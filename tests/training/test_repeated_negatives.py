"""Rounds in which every draw of a negative is a row of its own, against plain loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.training import GivenValues, Setup, TrainingState
from tests.training.problem import (
    DIM,
    NUM_ITEMS,
    ROOM,
    changed,
    compiled_start,
    configured,
    drawn_values,
    for_server_of,
    one_round,
    per_client,
    small_dataset,
    small_layout,
    user_embeddings,
)
from tests.training.reference import Scenario, simulate_round

ROUNDS = 4
LEARNING_RATE, CLIP_NORM = 0.2, 0.4
EVERYONE = np.ones(small_dataset().num_users, bool)


@functools.cache
def given(distinct: bool = False) -> GivenValues:
    """Drawn as ever, with repeats; or each client's negatives distinct."""
    if not distinct:
        return drawn_values()
    negatives = [
        np.setdiff1d(np.arange(NUM_ITEMS), own)[: own.size]
        for own in per_client(small_dataset().train_items)
    ]
    return drawn_values()._replace(
        negatives=jnp.asarray(np.concatenate(negatives), jnp.int32)
    )


@functools.cache
def started(form: str, distinct: bool = False) -> tuple[Setup, TrainingState]:
    experiment = configured("spattack_o_d", "mean", repeated_negatives=form)
    layout, key = small_layout(), jax.random.key(0)
    return compiled_start(experiment, layout, key, given(distinct))


def rounds(
    form: str,
    aggregator: str = "mean",
    malicious_clients: int = ROOM,
    distinct: bool = False,
) -> list[TrainingState]:
    experiment = configured(
        "spattack_o_d",
        aggregator,
        repeated_negatives=form,
        learning_rate=LEARNING_RATE,
        malicious_clients=malicious_clients,
    )
    setup, state = started(form, distinct)
    state = for_server_of(experiment, state)
    layout, states = small_layout(), []
    for number in range(ROUNDS):
        state, counts = one_round(experiment, layout, setup, state, jnp.int32(number))
        assert counts.dropped == 0
        states.append(state)
    return states


def repeated_items() -> np.ndarray:
    """Items that some client drew more than once as a negative."""
    repeats = np.zeros(NUM_ITEMS, bool)
    for own in per_client(np.asarray(given().negatives)):
        items, times = np.unique(own, return_counts=True)
        repeats[items[times > 1]] = True
    return repeats


def assert_same_as_loops(
    states: list[TrainingState], aggregator: str, malicious_clients: int
) -> None:
    values = given()
    scenario = Scenario(
        positives=per_client(small_dataset().train_items),
        negatives=per_client(np.asarray(values.negatives)),
        users=np.asarray(values.user_embeddings, np.float64),
        items=np.asarray(values.item_embeddings, np.float64),
        noise=np.zeros((NUM_ITEMS, DIM)),
        poisoned=np.ones((ROOM, NUM_ITEMS), bool),
        attack="spattack_o_d",
        aggregator=aggregator,
        expected_byzantine=ROOM,
        keep_repeats=True,
        clip_norm=CLIP_NORM,
        learning_rate=LEARNING_RATE,
        regularization=0.1,
    )
    malicious_part = np.arange(ROOM) < malicious_clients
    for state in states:
        scenario = simulate_round(scenario, EVERYONE, malicious_part)
        np.testing.assert_allclose(user_embeddings(state), scenario.users, atol=1e-5)
        np.testing.assert_allclose(state.item_embeddings, scenario.items, atol=1e-5)


@pytest.mark.parametrize("malicious_clients", [ROOM, 0])
@pytest.mark.parametrize("aggregator", ["mean", "norm"])
def test_rounds_are_those_of_the_plain_simulation(aggregator, malicious_clients):
    chosen = f"norm:{CLIP_NORM}" if aggregator == "norm" else aggregator
    states = rounds("reference", chosen, malicious_clients)
    assert_same_as_loops(states, aggregator, malicious_clients)


def test_o_d_holds_every_item_but_those_that_a_client_drew_twice():
    start = np.asarray(given().item_embeddings)
    moved = np.max(np.abs(rounds("reference")[-1].item_embeddings - start), axis=1)
    repeats = repeated_items()
    assert 0 < repeats.sum() < NUM_ITEMS
    assert np.all(moved[repeats] > 1e-3)
    assert np.all(moved[~repeats] < 1e-6)
    merged = rounds("merged")[-1].item_embeddings
    assert np.max(np.abs(merged - start)) < 1e-6


def test_where_no_negative_was_drawn_twice_the_forms_are_the_same():
    for number in (ROOM, 0):
        apart, merged = (
            rounds(form, malicious_clients=number, distinct=True)[-1]
            for form in ("reference", "merged")
        )
        for one, other in (
            (apart.item_embeddings, merged.item_embeddings),
            (user_embeddings(apart), user_embeddings(merged)),
        ):
            np.testing.assert_allclose(one, other, atol=1e-6)


def test_repeats_weigh_on_the_mean_of_an_item_even_without_an_attack():
    apart, merged = (
        rounds(form, malicious_clients=0)[0].item_embeddings
        for form in ("reference", "merged")
    )
    differs = np.max(np.abs(apart - merged), axis=1) > 1e-4
    np.testing.assert_array_equal(differs, repeated_items())


def test_an_s_attacker_poisons_as_many_items_as_where_rows_are_merged():
    apart, merged = (started(form)[0] for form in ("reference", "merged"))
    assert apart.pairs.most_uploaded == merged.pairs.most_uploaded


def test_negatives_drawn_anew_are_kept_apart_too():
    """The same as fixed ones of the same draw, which round 0 has."""
    fixed = configured(
        "spattack_o_d",
        "mean",
        repeated_negatives="reference",
        learning_rate=LEARNING_RATE,
    )
    drawn, layout = given()._replace(negatives=None), small_layout()
    setup, state = compiled_start(fixed, layout, jax.random.key(0), drawn)
    after = [
        one_round(experiment, layout, setup, state, jnp.int32(0))[0]
        for experiment in (fixed, changed(fixed, negatives="resample"))
    ]
    np.testing.assert_allclose(
        after[0].item_embeddings, after[1].item_embeddings, atol=1e-6
    )
    assert np.max(np.abs(after[1].item_embeddings - state.item_embeddings)) > 1e-3

"""Figure 1: a round taken apart, and what each rule makes of it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.studies import figure1
from experiments.studies.figure1 import (
    BRACKET_NAMES,
    BRACKETS,
    BenignRows,
    Form,
    Moment,
    Outcome,
    aggregate,
    aggregation_findings,
    by_bracket,
    carried_off,
    clean_moments,
    compare,
    left_when_dense,
    proposition_1,
)
from jaxfr.attacks import malicious_client_count
from jaxfr.training import layout_for, run_key, start, train_round
from tests.experiments.studies.small_data import BASE, DATASET

MALICIOUS = 15
USERS = 120
NAN = float("nan")
MEAN, MEDIAN = Form("mean", "sparse"), Form("median", "sparse")


@functools.cache
def moments() -> tuple[Moment, ...]:
    return clean_moments(BASE, DATASET, (0, 2))


@functools.cache
def outcomes() -> dict[Form, Outcome]:
    found = compare(BASE, moments()[1], ("mean", "median"), MALICIOUS)
    return {outcome.form: outcome for outcome in found}


# --- The round ---


def test_a_moment_is_that_of_a_whole_run():
    """Two rounds without attackers, then one with them, as the library runs them."""
    ratio = MALICIOUS / (USERS + MALICIOUS)
    assert malicious_client_count(USERS, ratio) == MALICIOUS
    experiment = BASE.replace(
        attack="spattack_l_d", malicious_ratio=ratio, attack_start=2
    ).experiment.with_data(USERS)
    layout = layout_for(experiment, DATASET)
    setup, state = start(experiment, layout, run_key(BASE.seed))
    assert [moment.finished for moment in moments()] == [0, 2]
    np.testing.assert_array_equal(
        moments()[0].state.item_embeddings, state.item_embeddings
    )
    one_round = jax.jit(train_round)
    for number in range(2):
        state, _ = one_round(experiment, layout, setup, state, jnp.int32(number))
    np.testing.assert_allclose(
        moments()[1].state.item_embeddings, state.item_embeddings, rtol=0, atol=1e-8
    )
    after, _ = one_round(experiment, layout, setup, state, jnp.int32(2))
    found = aggregate(BASE, moments()[1], MEAN, "spattack_l_d", MALICIOUS)
    np.testing.assert_allclose(found, after.items.last_aggregate, rtol=0, atol=1e-5)


def test_benign_rows_are_one_of_each_client_and_item_within_their_range():
    found = moments()[1].benign
    pairs = DATASET.num_train_pairs
    # Each positive, and a negative for each, of which some were drawn twice.
    assert 1.9 * pairs < np.sum(found.received) <= 2 * pairs
    there = found.received > 0
    assert np.all(found.lower[there] <= found.mean[there] + 1e-7)
    assert np.all(found.upper[there] >= found.mean[there] - 1e-7)
    single = found.received == 1
    np.testing.assert_allclose(found.lower[single], found.mean[single], atol=1e-7)
    assert np.all(np.isposinf(found.lower[~there]) & np.isneginf(found.upper[~there]))
    clean = aggregate(BASE, moments()[1], MEAN, "none", MALICIOUS)
    np.testing.assert_allclose(clean, found.mean, rtol=1e-4, atol=1e-8)


def test_a_clipped_attacker_cancels_what_is_left_of_benign_rows():
    rule = Form("norm:clip_norm=1e-4", "sparse")
    clean = aggregate(BASE, moments()[1], rule, "none", MALICIOUS)
    found = aggregate(BASE, moments()[1], rule, "spattack_o_d", MALICIOUS)
    lengths = np.linalg.norm(clean, axis=1)
    assert 0 < lengths.max() <= 1.0001e-4
    # Where the malicious rows themselves are short enough not to be clipped.
    assert np.median(np.linalg.norm(found, axis=1)) < 0.01 * np.median(lengths)


# --- What a rule makes of it ---


def test_an_aggregate_is_carried_off_when_it_leaves_the_range_in_any_coordinate():
    benign = BenignRows(
        received=np.array([2, 2, 0]),
        mean=np.zeros((3, 2)),
        lower=np.array([[1.0, -1.0], [1.0, -1.0], [np.inf, np.inf]]),
        upper=np.array([[3.0, 0.5], [3.0, 0.5], [-np.inf, -np.inf]]),
    )
    aggregated = np.array([[2.0, 0.5], [2.0, 0.6], [0.0, 0.0]])
    found = carried_off(aggregated, benign, dense=False)
    np.testing.assert_array_equal(found, [False, True, True])
    # Dense, zeros are among the benign rows.
    low = np.array([[0.5, 0.2], [0.5, 0.6], [0.0, 0.0]])
    found = carried_off(low, benign, dense=True)
    np.testing.assert_array_equal(found, [False, True, False])
    assert carried_off(low, benign, dense=False)[0]


def test_the_sparse_median_loses_exactly_the_items_whose_rows_are_half_malicious():
    falls = moments()[1].benign.received <= MALICIOUS
    assert 0.1 < np.mean(falls) < 0.95
    np.testing.assert_array_equal(outcomes()[MEDIAN].broken, falls)


def test_the_dense_median_loses_none_and_leaves_nothing():
    dense = outcomes()[Form("median", "dense")]
    assert not dense.broken.any()
    received = moments()[1].benign.received
    few = received < 40  # of 120 clients
    np.testing.assert_array_equal(dense.clean_length[few & (received > 0)], 0.0)
    left = left_when_dense(list(outcomes().values()), "median")
    assert np.nanmax(left[few]) == 0.0


def test_the_mean_keeps_all_of_the_mean_and_dense_its_share():
    received = moments()[1].benign.received
    there, sparse = received > 0, outcomes()[MEAN]
    np.testing.assert_allclose(sparse.clean_length[there], 1.0, rtol=1e-4)
    # Opposite rows stop it where it stands; noise of length 2 moves means of 0.01.
    np.testing.assert_allclose(sparse.opposite_moves[there], 1.0, rtol=1e-4)
    assert np.median(sparse.noise_moves[there]) > 10
    assert np.isnan(sparse.noise_moves[~there]).all()
    left = left_when_dense(list(outcomes().values()), "mean")
    np.testing.assert_allclose(left[there], (received / USERS)[there], rtol=1e-3)


def test_brackets_begin_where_they_say_and_the_last_has_no_end():
    degree = np.array([0, 9, 10, 29, 30, 199, 200, 5000])
    values = np.array([1, 3, 10, 12, 2, 5, 7, 9.0])
    found = by_bracket(values, degree, share=False)
    np.testing.assert_array_equal(found, [2, 11, 2, 5, 8])
    assert BRACKET_NAMES == ("0–9", "10–29", "30–99", "100–199", "200+")
    assert len(BRACKET_NAMES) == len(BRACKETS)


def test_a_bracket_is_summarised_by_its_items_that_have_a_value():
    degree = np.array([1, 2, 3, 10, 11, 12, 300])
    values = np.array([0.0, 1.0, NAN, 1.0, 2.0, 6.0, NAN])
    shares = by_bracket(values, degree, share=True)
    assert shares[:2] == pytest.approx([50.0, 300.0])
    medians = by_bracket(values, degree, share=False)
    assert medians[:2] == pytest.approx([0.5, 2.0])
    assert np.isnan(medians[2:]).all()


# --- Findings ---

# Three items of the tail, one of the head.
DEGREE = np.array([1, 5, 20, 300])
HELD, LOST = [0, 0, 0, 0], [1, 1, 0, 0]


def pair(
    rule: str, dense: list[int], sparse: list[int], left: float = 0.0
) -> list[Outcome]:
    nothing = np.zeros(4)
    return [
        Outcome(Form(rule, form), np.array(broken, bool), nothing, nothing, length)
        for form, broken, length in (
            ("dense", dense, np.full(4, left)),
            ("sparse", sparse, np.array([1.0, 1.0, 1.0, 1.0])),
        )
    ]


def answers(*found: list[Outcome], degree: np.ndarray = DEGREE) -> list[bool | None]:
    together = [outcome for of_rule in found for outcome in of_rule]
    return [finding.holds for finding in aggregation_findings("x", together, degree)]


def test_what_is_left_when_dense_is_the_quotient_of_the_lengths():
    dense, sparse = pair("mean", HELD, HELD)
    dense = dense._replace(clean_length=np.array([1.0, 0.0, 0.0, NAN]))
    sparse = sparse._replace(clean_length=np.array([4.0, 2.0, 0.0, NAN]))
    np.testing.assert_array_equal(
        left_when_dense([dense, sparse], "mean"), [0.25, 0.0, NAN, NAN]
    )


def test_of_tail_items_nothing_can_be_told_where_there_are_none():
    popular = np.full(4, 300)
    found = answers(pair("median", HELD, LOST), degree=popular)
    assert found == [True, None, None]


def test_dense_holds_sparse_fails_in_the_tail_and_dense_leaves_nothing():
    assert answers(pair("median", HELD, LOST)) == [True, True, True]


def test_a_robust_rule_that_does_otherwise_decides():
    good = pair("median", HELD, LOST)
    assert answers(good, pair("krum", LOST, LOST)) == [False, True, True]
    assert answers(good, pair("krum", HELD, [0, 1, 0, 1])) == [True, False, True]
    assert answers(good, pair("krum", HELD, LOST, left=0.5)) == [True, True, False]


@pytest.mark.parametrize("rule", ["mean", "norm"])
def test_rules_that_are_not_robust_do_not_count(rule):
    good = pair("median", HELD, LOST)
    assert answers(good, pair(rule, LOST, HELD, left=1.0)) == [True, True, True]
    assert answers(pair(rule, LOST, HELD)) == [None, None, None]


def test_proposition_1_holds_in_a_round_but_not_where_items_move_on(monkeypatch):
    assert proposition_1("x", BASE, moments()[1]).holds is True
    monkeypatch.setattr(figure1, "OPPOSITE", "spattack_l_d")
    assert proposition_1("x", BASE, moments()[1]).holds is False

"""A round taken apart, against the round that training runs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.studies.figure1_2.one_round import (
    Moment,
    Rule,
    aggregate,
    clean_moments,
)
from jaxfr.attacks import malicious_client_count
from jaxfr.training import layout_for, start, train_rounds
from jaxfr.uploads import row_counts
from tests.experiments.studies.small_data import BASE, source

MALICIOUS = 15


@functools.cache
def moments() -> tuple[Moment, ...]:
    return clean_moments(BASE, source(), (0, 2))


# What runs twice only need not be fast.
@functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
def trained(experiment, layout, key, rounds):
    setup, state = start(experiment, layout, key)
    state, _ = train_rounds(
        *(experiment, layout, setup, state, jnp.arange(3), rounds, jnp.int32(0))
    )
    return state.item_embeddings


def run_of_training(attack: str, rule: Rule, attack_start: int) -> np.ndarray:
    """Item embeddings before and after the third round of a whole run."""
    users = source().dataset.num_users
    ratio = MALICIOUS / (users + MALICIOUS)
    assert malicious_client_count(users, ratio) == MALICIOUS
    experiment = BASE.replace(
        attack=attack,
        malicious_ratio=ratio,
        aggregator=rule.aggregator,
        aggregation=rule.aggregation,
        attack_start=attack_start,
    ).experiment.with_data(users)
    layout, key = layout_for(experiment, source().dataset), jax.random.key(BASE.seed)
    return np.array([trained(experiment, layout, key, rounds) for rounds in (2, 3)])


@pytest.mark.parametrize("attack", ["spattack_l_d", "spattack_o_d"])
def test_aggregates_are_those_of_training(attack):
    rule = Rule("mean", "sparse")
    before, after = run_of_training(attack, rule, attack_start=2)
    moment = moments()[1]
    np.testing.assert_allclose(moment.benign.item_embeddings, before, rtol=0, atol=1e-8)
    found = aggregate(BASE, moment, rule, attack, MALICIOUS)
    rate = BASE.experiment.learning_rate
    np.testing.assert_allclose(
        before - rate * np.asarray(found), after, rtol=0, atol=1e-7
    )


def test_the_first_moment_is_the_untrained_state():
    first, second = moments()
    assert [first.finished, second.finished] == [0, 2]
    assert not np.allclose(first.benign.item_embeddings, second.benign.item_embeddings)
    assert float(jnp.std(first.benign.item_embeddings)) == pytest.approx(0.01, rel=0.1)


def test_every_benign_client_sends_a_row_for_each_of_its_items():
    rows = int(np.sum(row_counts(moments()[0].benign)))
    pairs = source().dataset.num_train_pairs
    # Each positive, and a negative for each, of which some were drawn twice.
    assert 1.9 * pairs < rows <= 2 * pairs
    assert int(moments()[0].benign.participants) == source().dataset.num_users


def test_dense_counts_absent_clients_as_zeros():
    moment = moments()[1]
    sparse, dense = (
        np.asarray(aggregate(BASE, moment, Rule("mean", form), "none", MALICIOUS))
        for form in ("sparse", "dense")
    )
    received = np.asarray(row_counts(moment.benign))[:, None]
    np.testing.assert_allclose(
        dense, sparse * received / source().dataset.num_users, rtol=1e-5, atol=1e-8
    )


def test_one_malicious_client_cancels_what_all_benign_ones_send():
    rule = Rule("mean", "sparse")
    found = aggregate(BASE, moments()[1], rule, "spattack_o_d", 1)
    assert float(jnp.max(jnp.abs(found))) < 1e-7


def test_a_clipped_attacker_cancels_what_is_left_of_benign_rows():
    rule = Rule("norm:clip_norm=1e-4", "sparse")
    clean = aggregate(BASE, moments()[1], rule, "none", MALICIOUS)
    found = aggregate(BASE, moments()[1], rule, "spattack_o_d", MALICIOUS)
    lengths = np.linalg.norm(clean, axis=1)
    assert 0 < lengths.max() <= 1.0001e-4
    # Where the malicious rows themselves are short enough not to be clipped.
    assert np.median(np.linalg.norm(found, axis=1)) < 0.01 * np.median(lengths)

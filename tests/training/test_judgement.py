"""Whether a server's stages tell malicious clients from benign ones, as records say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import Rule, Stage, chain, mean, median, stateless_stage
from jaxfr.parts import Number, Part, part
from jaxfr.training import layout_for, run_key, start, train_rounds
from jaxfr.training.judgement import FIELDS, Judgement, as_fields
from jaxfr.training.round import RoundCounts
from jaxfr.uploads.clients import rows_by_client, trust_clients
from tests.training.problem import NUM_ITEMS, NUM_USERS, ROOM, configured, small_dataset

ROUNDS = 3


def counts(aggregator: Part[Stage | Rule], devices: int = 1, **changes) -> RoundCounts:
    """What was counted in some rounds under an attack that sends every item a row."""
    experiment = configured("spattack_o_d", aggregator, **changes)
    layout = layout_for(experiment, small_dataset(), devices)
    setup, state = start(experiment, layout, run_key(0))
    numbers = jnp.arange(ROUNDS, dtype=jnp.int32)
    schedule = numbers, jnp.int32(ROUNDS), jnp.int32(0)
    return train_rounds(experiment, layout, setup, state, *schedule)[1].counts


def judged(counted: RoundCounts) -> dict[str, float | None]:
    assert counted.judgement is not None
    return as_fields(counted.judgement)


@part
def trusting(of_all: Number, of_few: Number) -> Stage:
    """Trusts who sends a row for every item, as attackers do, and who sends fewer."""

    def trust(uploads, view):
        sends_all = rows_by_client(uploads, view.num_clients) == NUM_ITEMS
        return trust_clients(uploads, jnp.where(sends_all, of_all, of_few))

    return stateless_stage(trust, sees_clients=True)


@part
def counting() -> Stage:
    """Counts rounds, and reports how many there were."""
    return Stage(
        lambda server: jnp.float32(0),
        lambda rounds, uploads, view: (uploads, rounds + 1),
        report=lambda rounds: {"rounds_seen": rounds, "half": rounds / 2},
    )


def test_who_distrusts_attackers_alone_is_precise_and_complete():
    found = judged(counts(chain(trusting(0.0, 1.0), median())))
    assert found == pytest.approx(
        dict.fromkeys(FIELDS, 0.0) | {"trust_precision": 1.0, "trust_recall": 1.0}
    )


def test_distrust_counts_by_its_amount():
    found = judged(counts(chain(trusting(0.25, 0.5), mean())))
    of_malicious, of_benign = 0.75 * ROOM, 0.5 * NUM_USERS
    assert found["trust_recall"] == pytest.approx(0.75)
    assert found["benign_distrust"] == pytest.approx(0.5)
    expected = of_malicious / (of_malicious + of_benign)
    assert found["trust_precision"] == pytest.approx(expected)


def test_where_all_are_trusted_nobody_is_told_apart_and_without_clients_all_is_none():
    assert counts(mean()).judgement is None
    assert counts(mean()).reported == {}
    counted = counts(chain(trusting(1.0, 1.0), mean()))
    found = judged(counted)
    assert found["trust_precision"] is None
    assert found["trust_recall"] == found["benign_distrust"] == 0.0
    assert counted.judgement is not None
    weight = np.sum(counted.judgement.malicious_weight, axis=1)
    np.testing.assert_array_equal(weight, np.full(ROUNDS, ROOM * NUM_ITEMS))
    np.testing.assert_array_less(weight, np.sum(counted.judgement.weight, axis=1))


def test_only_attackers_that_act_are_looked_for():
    judgement = counts(chain(trusting(0.0, 1.0), mean()), attack_start=1).judgement
    assert judgement is not None
    np.testing.assert_array_equal(judgement.malicious, [0, ROOM, ROOM])
    np.testing.assert_array_equal(judgement.benign, [NUM_USERS] * ROUNDS)


@pytest.mark.skipif("jax.device_count() < 2", reason="takes two devices")
def test_devices_change_nothing_of_it():
    one, two = (counts(chain(trusting(0.5, 0.75), mean()), n) for n in (1, 2))
    jax.tree.map(np.testing.assert_allclose, one.judgement, two.judgement)


def test_what_stages_report_is_told_of_every_round():
    reported = counts(chain(counting(), mean())).reported
    np.testing.assert_array_equal(reported["rounds_seen"], [1, 2, 3])
    np.testing.assert_array_equal(reported["half"], [0.5, 1, 1.5])


def test_shares_are_of_sums_over_rounds_and_none_where_there_is_nobody():
    random = np.random.default_rng(0)
    numbers = *random.random((4, 5)), *random.random((2, 5, 3))
    rounds = Judgement(*map(jnp.asarray, numbers))
    benign = rounds.distrusted_benign.sum()
    malicious = rounds.distrusted_malicious.sum()
    expected = [malicious / (benign + malicious), malicious / rounds.malicious.sum()]
    expected += [benign / rounds.benign.sum()]
    expected += (rounds.malicious_weight.sum(0) / rounds.weight.sum(0)).tolist()
    found = as_fields(rounds)
    np.testing.assert_allclose([found[name] for name in FIELDS], expected, rtol=1e-5)
    nothing = jax.tree.map(jnp.zeros_like, rounds)
    assert as_fields(nothing) == dict.fromkeys(FIELDS)

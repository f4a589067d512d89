"""Sweeps from Python."""

import dataclasses
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import chain, clip_by_norm, mean, median
from jaxfr.attacks import spattack_l_d
from jaxfr.data import Dataset, synthetic_dataset
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.models import fedmf
from jaxfr.records.contents import lack_of_record
from jaxfr.store import Record, read_store
from jaxfr.sweeps.sweep import sweep

SMALL = Experiment(model=fedmf(2), num_candidates=9, malicious_ratio=0.1)
MEDIAN = dataclasses.replace(SMALL, aggregator=median())
# Programs of two structures, one of them of three experiments with one between.
EXPERIMENTS = [
    dataclasses.replace(SMALL, learning_rate=0.3),
    MEDIAN,
    dataclasses.replace(SMALL, learning_rate=0.1),
    dataclasses.replace(SMALL, learning_rate=0.2),
]
SEEDS = (5, 3)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return synthetic_dataset(num_users=40, num_items=60, num_pairs=300)


def named(records: Sequence[Record]) -> list[tuple]:
    return [(r["aggregator"], r["learning_rate"], r["seed"]) for r in records]


def test_records_come_in_the_order_of_experiments_and_seeds(data, tmp_path):
    records = sweep(EXPERIMENTS, data, SEEDS, 2, store=tmp_path / "store")
    assert named(records) == [
        (one.aggregator.name, one.learning_rate, seed)
        for one in EXPERIMENTS
        for seed in SEEDS
    ]
    assert [lack_of_record(record) for record in records] == [None] * len(records)
    # What is in the store is taken from there, in whichever order it is wanted.
    again = sweep(EXPERIMENTS[::-1], data, SEEDS[::-1], 2, store=tmp_path / "store")
    assert again == records[::-1]
    assert len(read_store(tmp_path / "store", lack_of_record)) == len(records)


def test_what_is_wanted_twice_is_told_twice(data):
    first, second = sweep([SMALL, SMALL], data, rounds=1)
    assert first == second


def test_seeds_may_come_one_by_one(data):
    found = sweep([SMALL, MEDIAN], data, (seed for seed in SEEDS), rounds=1)
    assert [record["seed"] for record in found] == [*SEEDS, *SEEDS]


def test_numbers_may_be_numpys_or_jaxs(data):
    rates = [*np.linspace(0.1, 0.2, 2, dtype=np.float32), jnp.float32(0.3)]
    found = sweep(
        [dataclasses.replace(SMALL, learning_rate=rate) for rate in rates],
        data,
        rounds=1,
    )
    assert [record["learning_rate"] for record in found] == pytest.approx(
        [0.1, 0.2, 0.3]
    )


def test_a_record_tells_of_parts_what_they_were_made_with(data):
    experiment = dataclasses.replace(
        SMALL,
        attack=spattack_l_d(noise_scale=2.0),
        aggregator=chain(clip_by_norm(0.5), mean()),
    )
    (record,) = sweep([experiment], data, rounds=1)
    assert record["attack"] == "spattack_l_d"
    assert record["aggregator"] == "clip_by_norm+mean"
    assert (record["noise_scale"], record["clip_norm"]) == (2.0, 0.5)
    assert "max_poisoned_items" not in record


def test_data_may_be_named(tmp_path):
    rows = "".join(f"u{user},i{item}\n" for user in range(6) for item in range(user, 9))
    (tmp_path / "mine.csv").write_text(rows)
    full = dataclasses.replace(SMALL, ranking="full")
    (record,) = sweep([full], str(tmp_path / "mine.csv"), rounds=1)
    assert record["dataset"] == str(tmp_path / "mine.csv")


def test_a_run_without_meaning_is_refused(data):
    late = dataclasses.replace(SMALL, attack=spattack_l_d(), attack_start=2)
    with pytest.raises(InvalidInputError, match="attack_start=2"):
        sweep([late], data, rounds=2)

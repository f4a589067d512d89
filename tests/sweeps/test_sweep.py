"""Sweeps from Python."""

import dataclasses
import itertools

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
from jaxfr.store import read_store
from jaxfr.sweeps.sweep import sweep

SMALL = Experiment(model=fedmf(2), num_candidates=9, malicious_ratio=0.1)
MEDIAN = dataclasses.replace(SMALL, aggregator=median())
RATES = 0.1, np.float32(0.3), jnp.float32(0.2)
LOW, HIGH, MIDDLE = (dataclasses.replace(SMALL, learning_rate=rate) for rate in RATES)
# Programs of two structures, one of three experiments with one between, one twice.
EXPERIMENTS = [HIGH, MEDIAN, LOW, HIGH, MIDDLE]
SEEDS = (5, 3)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return synthetic_dataset(num_users=40, num_items=60, num_pairs=300)


def test_records_come_in_the_order_of_experiments_and_seeds(data, tmp_path):
    """Numbers may be NumPy's or JAX's, seeds come one by one."""
    store = tmp_path / "store"
    records = sweep(EXPERIMENTS, data, (seed for seed in SEEDS), 2, store=store)
    for record, (experiment, seed) in zip(
        records, itertools.product(EXPERIMENTS, SEEDS), strict=True
    ):
        assert lack_of_record(record) is None
        assert record["aggregator"] == experiment.aggregator.name
        assert record["learning_rate"] == pytest.approx(float(experiment.learning_rate))
        assert record["seed"] == seed
    # What is in the store is taken from there, in whichever order and however named.
    named = "synthetic:num_users=40:num_items=60:num_pairs=300"
    again = sweep(EXPERIMENTS[::-1], named, SEEDS[::-1], 2, store=store)
    assert again == records[::-1]
    assert len(read_store(store, lack_of_record)) == len(records) - len(SEEDS)


def test_one_experiment_is_taken_alone_and_seeds_as_the_command_line_has_them(data):
    for seeds, expected in ((5, [5]), ("0:2", [0, 1])):
        records = sweep(SMALL, data, seeds, rounds=1)
        assert [record["seed"] for record in records] == expected
    with pytest.raises(InvalidInputError, match="seeds='0:': must be distinct"):
        sweep(SMALL, data, "0:")


def test_who_asks_is_told_how_far_it_is(data, tmp_path):
    said: list[str] = []
    sweep(SMALL, data, "0:2", rounds=1, store=tmp_path / "store", say=said.append)
    assert said[0].endswith(": compiling")
    assert said[-1] == "2 of 2 runs done"
    said.clear()
    sweep(SMALL, data, "0:2", rounds=1, store=tmp_path / "store", say=said.append)
    assert said == ["2 of 2 runs done"]


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


def test_no_seed_is_no_sweep(data):
    with pytest.raises(InvalidInputError, match="seeds: there is none"):
        sweep(Experiment(num_candidates=9), data, seeds=range(0))


def test_a_run_without_meaning_is_refused(data):
    late = dataclasses.replace(SMALL, attack=spattack_l_d(), attack_start=2)
    with pytest.raises(InvalidInputError, match="attack_start=2"):
        sweep([late], data, rounds=2)

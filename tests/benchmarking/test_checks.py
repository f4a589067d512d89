"""Devices are held against the CPU, and programs lower for a GPU without one."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from jaxfr.benchmarking import checks
from jaxfr.data import synthetic_dataset
from jaxfr.experiment import Experiment
from jaxfr.texts import read_part
from jaxfr.training import layout_for
from jaxfr.training.compiled import keys_of
from jaxfr.training.many import begin_many, draw_many, stack_runs, train_many


def record(seed: int, *hits: float | None, device: str = "gpu") -> dict:
    curve = [{"round": number, "hr@5": hit} for number, hit in enumerate(hits)]
    options = {"model": "fedmf", "aggregator": "mean", "attack": "none", "seed": seed}
    return {**options, "device": device, "curve": curve}


def test_runs_differ_by_the_metric_that_is_farthest_off_after_any_round():
    ours = [record(0, 0.5, 0.25), record(1, None, 0.5), record(2, 0.5)]
    theirs = [
        record(0, 0.5005, 0.25, device="cpu"),
        record(1, None, 0.498),
        record(2, None),
    ]
    assert checks.compare(ours[:1], theirs[:1]) == {
        "runs": 1,
        "devices": ["gpu", "cpu"],
        "largest_difference": pytest.approx(0.0005),
        "differing_runs": [],
    }
    found = checks.compare(ours, theirs)
    assert found["differing_runs"] == [
        "fedmf, mean, none, 1",
        "fedmf, mean, none, 2",
    ]
    assert found["largest_difference"] == 1


def test_a_check_has_passed_where_all_that_was_done_agreed():
    right = {"tests_passed": True, "whole_numbers_equal": True, "differing_runs": []}
    assert checks.passed(right)
    assert checks.passed(right | {"tests_passed": None})
    for wrong in (
        {"tests_passed": False},
        {"whole_numbers_equal": False},
        {"differing_runs": ["a run"]},
        {"differing_runs": None},
    ):
        assert not checks.passed(right | wrong)


@pytest.mark.parametrize(
    ("aggregator", "model"),
    [
        ("median", "fedmf:3"),
        ("krum", "fedmf:3"),
        ("mean", "fedgnn:3"),
        pytest.param("mean", "fedmf:3", marks=pytest.mark.long),
        pytest.param("trimmed_mean", "fedmf:3", marks=pytest.mark.long),
        pytest.param("geometric_median", "fedmf:3", marks=pytest.mark.long),
        pytest.param(
            "bucketing+nearest_neighbour_mixing+arc+multi_krum",
            "fedmf:3",
            marks=pytest.mark.long,
        ),
    ],
)
def test_programs_lower_for_a_gpu_where_there_is_none(aggregator, model, monkeypatch):
    # Of a size that no other test has, as what was traced for a CPU is kept.
    dataset = synthetic_dataset(num_users=31, num_items=53, num_pairs=411)
    experiment = Experiment(
        model=read_part("model", model),
        aggregator=read_part("aggregator", aggregator),
        attack=read_part("attack", "spattack_o_d"),
        malicious_ratio=0.1,
    )
    experiment = dataclasses.replace(experiment, num_candidates=7).with_data(31)
    layout = layout_for(experiment, dataset)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    experiments = stack_runs([experiment] * 2)
    drawn = draw_many.trace(experiments, 1, layout, keys_of([0, 1]))
    assert "module" in drawn.lower(lowering_platforms=("cuda",)).as_text()
    setup = drawn.out_info
    begun = begin_many.trace(experiments, 1, layout, setup)
    assert "module" in begun.lower(lowering_platforms=("cuda",)).as_text()
    numbers, schedule = jnp.arange(3, dtype=jnp.int32), (jnp.int32(3), jnp.int32(1))
    trained = train_many.trace(
        experiments, 1, layout, setup, begun.out_info, numbers, *schedule
    )
    assert "module" in trained.lower(lowering_platforms=("cuda",)).as_text()

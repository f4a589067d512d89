"""A study's runs, done, brought into its order and handed to it."""

import json
from collections.abc import Sequence

import pytest
from absl import flags

from experiments.studies.base import Material, Section, Study
from experiments.studies.runs import run_study
from jaxfr.data import LoadOptions
from jaxfr.programs.running import opened_store
from jaxfr.sweeps.execution import ExecutionOptions, start_devices
from jaxfr.sweeps.request import RunRequest
from tests.programs.programs import run
from tests.sweeps.problem import changed


def wanted(bases: Sequence[RunRequest]) -> list[RunRequest]:
    """A run twice, and once more in other words (the norm).

    Their order is not that in which runs of one program are done, the shortest first.
    """
    same = bases[0].replace(aggregator="norm:clip_norm=1")
    return [bases[0], bases[1], same, bases[1]]


def present(material: Material) -> Section:
    told = [f"{r['rounds']} rounds, {r['clip_norm']}" for r in material.records]
    assert material.load_options is not None
    folder = material.load_options.data_dir
    return Section(f"{len(material.bases)} bases, {folder}", tuple(told))


def program() -> None:
    """Prints what becomes of such a study, and of one without runs."""
    flags.FLAGS(["program"])
    bases = [changed(aggregator="norm", rounds=rounds) for rounds in (6, 3)]
    study = Study("odd", (), wanted, present)
    options = ExecutionOptions(start_devices(1))
    for studied in (study, study._replace(wanted=lambda bases: [])):
        with opened_store(None) as store:
            outcome = run_study(studied, bases, LoadOptions("folder"), store, options)
            found = [outcome.section, len(outcome.records), len(store.records())]
            print(json.dumps(found))
        print(json.dumps(store.path.exists()))


@pytest.fixture(scope="module")
def printed() -> list:
    done = run(program=program)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_records_come_in_the_order_wanted_and_repeat_where_runs_do(printed):
    (title, (*told, caveat), *_), records, stored = printed[0]
    assert title == "2 bases, folder"
    assert told == ["6 rounds, 1.0", "3 rounds, 1.0"] * 2
    assert caveat.startswith("2 of 2 clean runs learned nothing")
    assert (records, stored) == (4, 2)


def test_a_store_without_a_name_vanishes(printed):
    assert printed[1] is False


def test_a_study_without_runs_is_presented_too(printed):
    (title, told, *_), records, stored = printed[2]
    assert (title, told, records, stored) == ("2 bases, folder", [], 0, 0)

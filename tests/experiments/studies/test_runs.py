import json

import pytest

from tests.programs.programs import run_python

# A study that wants a run twice, and once more in other words (the norm), in an order
# that is not the one in which runs of one program are done, the shortest first.
PROGRAM = """
import json
from absl import flags
from jaxfr.programs.running import opened_store
from experiments.studies.runs import run_study
from experiments.studies.base import Section, Study
from jaxfr.data import LoadOptions
from jaxfr.sweeps.execution import ExecutionOptions, start_devices
from tests.sweeps.problem import changed

def wanted(bases):
    same = bases[0].replace(aggregator="norm:clip_norm=1")
    return [bases[0], bases[1], same, bases[1]]

def present(material):
    told = [f"{r['rounds']} rounds, {r['clip_norm']}" for r in material.records]
    folder = material.load_options.data_dir
    return Section(f"{len(material.bases)} bases, {folder}", tuple(told))

flags.FLAGS(["program"])
bases = [changed(aggregator="norm", rounds=rounds) for rounds in (6, 3)]
study = Study("odd", (), wanted, present)
devices = start_devices(1)
for studied in (study, study._replace(wanted=lambda bases: [])):
    with opened_store(None) as store:
        loading = LoadOptions("folder")
        outcome = run_study(studied, bases, loading, store, ExecutionOptions(devices))
        print(json.dumps([outcome.section, len(outcome.records), len(store.records())]))
    print(json.dumps(store.path.exists()))
"""


@pytest.fixture(scope="module")
def printed() -> list:
    done = run_python("-c", PROGRAM, PYTHONWARNINGS="error")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_records_come_in_the_order_wanted_and_repeat_where_runs_do(printed):
    (title, (*told, caveat), *_), records, stored = printed[0]
    assert title == "2 bases, folder"
    assert told == ["6 rounds, 1.0", "3 rounds, 1.0"] * 2
    assert caveat.startswith("4 of 4 clean runs learned nothing")
    assert (records, stored) == (4, 2)


def test_a_store_without_a_name_vanishes(printed):
    assert printed[1] is False


def test_a_study_without_runs_is_presented_too(printed):
    (title, told, *_), records, stored = printed[2]
    assert (title, told, records, stored) == ("2 bases, folder", [], 0, 0)

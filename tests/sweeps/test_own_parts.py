"""Parts of one's own in plans: a file's content is part of a run's identity."""

import dataclasses
import importlib.util
import pathlib
from typing import Any

import pytest

import jaxfr as fr
from jaxfr.errors import InvalidInputError
from jaxfr.records.selection import latest
from jaxfr.store import open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.group import GroupCompiler
from jaxfr.sweeps.plan import PlannedRun, plan_runs
from jaxfr.sweeps.request import RunRequest
from jaxfr.sweeps.work import run_plan
from tests.records.whole import whole_record
from tests.sweeps.problem import changed

MINE = """
import jaxfr as fr

def scaled_mean(share: fr.Number = 0.5, power: int = 1) -> fr.Rule:
    def combine(uploads, view):
        count = fr.row_counts(uploads)
        return share**power * fr.item_sums(uploads) / (count + 1e-9)[:, None]
    return fr.stateless_rule(combine)
"""


@pytest.fixture
def mine(tmp_path) -> pathlib.Path:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def run_of(path: pathlib.Path, options: str = "") -> str:
    (planned,) = plan_runs([changed(aggregator=f"{path}:scaled_mean{options}")]).runs
    return planned.identity


def test_what_a_file_says_tells_runs_apart_and_where_it_lies_does_not(mine, tmp_path):
    before = run_of(mine)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run_of(mine.rename(elsewhere / "mine.py")) == before
    mine.write_text(MINE.replace("1e-9", "1e-8"))
    assert run_of(mine) != before


def imported(path: pathlib.Path) -> Any:
    """The function as a part, of the file as a module that Python imports."""
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return fr.part(module.scaled_mean)


def test_what_an_imported_module_said_tells_runs_apart_too(mine):
    def run_of_part(part: Any) -> PlannedRun:
        experiment = dataclasses.replace(changed().experiment, aggregator=part)
        request = dataclasses.replace(changed(), experiment=experiment)
        (planned,) = plan_runs([request]).runs
        return planned

    before = imported(mine)()
    assert run_of_part(imported(mine)()).identity == run_of_part(before).identity
    mine.write_text(MINE.replace("1e-9", "1e-8"))
    after = imported(mine)()
    assert run_of_part(after).identity != run_of_part(before).identity
    recorded = [run_of_part(part).recorded for part in (before, after)]
    first, second = (one["own_files"] for one in recorded)
    assert first.endswith("-mine.py")
    assert first != second


def test_python_and_the_command_line_mean_the_same_run(mine):
    experiment = dataclasses.replace(
        changed().experiment, aggregator=imported(mine)(0.25)
    )
    (python,) = plan_runs([dataclasses.replace(changed(), experiment=experiment)]).runs
    (line,) = plan_runs([changed(aggregator=f"{mine}:scaled_mean:0.25")]).runs
    assert python.recorded == line.recorded
    assert python.recorded["aggregator"] == "mine.py:scaled_mean"
    assert f"--aggregator={mine}:scaled_mean:share=0.25" in python.recorded["flags"]


def test_its_numbers_share_a_program_and_its_other_options_do_not(mine):
    wanted = [
        changed(aggregator=f"{mine}:scaled_mean:{options}")
        for options in ("share=0.5", "share=0.25", "power=2")
    ]
    assert sorted(len(group.runs) for group in plan_runs(wanted).groups) == [1, 2]


def test_records_tell_its_options_and_a_copy_lies_with_them(mine, tmp_path):
    plan = plan_runs([changed(aggregator=f"{mine}:scaled_mean:share=0.25")])
    with open_store(tmp_path / "store") as store:
        (done,) = run_plan(plan, store, ExecutionOptions(devices=1))
    (copy,) = (tmp_path / "store" / "own_files").iterdir()
    assert copy.read_text() == MINE
    assert done.record["own_files"] == copy.name
    assert done.record["aggregator"] == "mine.py:scaled_mean"
    assert (done.record["share"], done.record["power"]) == (0.25, 1)


def test_a_single_run_with_a_rule_of_ones_own_is_not_spread_unless_asked_for(mine):
    """That need not know that it then has one device's rows in hand."""
    plan = plan_runs([changed(aggregator=f"{mine}:scaled_mean")])
    for options, spread in (
        (ExecutionOptions(4), 1),
        (ExecutionOptions(4, spread_runs=True), 4),
    ):
        found = GroupCompiler(plan.sources, options).execution(plan.groups[0])
        assert (found.spread, found.runs) == (spread, 1)


def test_its_flags_are_those_that_were_given_and_make_the_same_run(mine):
    given = f"{mine}:scaled_mean:share=0.25"
    (planned,) = plan_runs([changed(aggregator=given)]).runs
    flags = dict(f.removeprefix("--").split("=", 1) for f in planned.recorded["flags"])
    assert flags["aggregator"] == given
    again = RunRequest().replace(
        dataset=flags["dataset"], aggregator=flags["aggregator"], model=flags["model"]
    )
    assert again.experiment.aggregator == planned.request.experiment.aggregator


def test_of_a_changed_file_the_last_runs_count(mine):
    texts = MINE, MINE.replace("1e-9", "1e-8")
    records = []
    for day, text in enumerate(texts, start=1):
        mine.write_text(text)
        wanted = changed(aggregator=f"{mine}:scaled_mean")
        (planned,) = plan_runs([wanted]).runs
        done = whole_record(wanted, finished=f"2026-01-0{day}T00:00:00+00:00")
        records.append({**done, **planned.recorded})
    assert records[0]["own_files"] != records[1]["own_files"]
    assert latest(records) == [records[1]]
    assert latest(records[::-1]) == [records[1]]


def test_who_brings_back_an_older_file_looks_at_its_runs(mine, tmp_path):
    found = []
    for text in (MINE, MINE.replace("1e-9", "1e-8"), MINE):
        mine.write_text(text)
        plan = plan_runs([changed(aggregator=f"{mine}:scaled_mean")])
        with open_store(tmp_path / "store") as store:
            list(run_plan(plan, store, ExecutionOptions(1)))
        found.append(fr.Results.read(tmp_path / "store"))
    assert len(fr.Results.read(tmp_path / "store", code_version="all")) == 2
    assert found[0] == found[2] != found[1]


def test_what_makes_no_rule_is_refused_in_a_line(mine):
    mine.write_text("def scaled_mean():\n    return 3\n")
    with pytest.raises(InvalidInputError, match="makes no aggregator, but int"):
        run_of(mine)

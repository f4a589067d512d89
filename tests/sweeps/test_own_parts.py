"""Parts of one's own in plans: a file's content is part of a run's identity."""

import pathlib

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.store import open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.plan import plan_runs
from jaxfr.sweeps.work import run_plan
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


def test_what_makes_no_rule_is_refused_in_a_line(mine):
    mine.write_text("def scaled_mean():\n    return 3\n")
    with pytest.raises(InvalidInputError, match="makes no aggregator"):
        run_of(mine)

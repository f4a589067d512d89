"""An error in a part of somebody's own is a line that says where, and ends no sweep."""

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.store import open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.group import GroupCompiler
from jaxfr.sweeps.plan import plan_runs
from jaxfr.sweeps.work import Watcher, run_plan
from tests.sweeps.problem import changed

ONE = ExecutionOptions(devices=1)
MINE = """\
import jax.numpy as jnp
import jaxfr as fr

def branches(limit: fr.Number = 0.5) -> fr.Rule:
    def combine(uploads, view):
        if fr.item_sums(uploads).sum() > limit:
            return fr.item_sums(uploads)
        return 0 * fr.item_sums(uploads)
    return fr.stateless_rule(combine)

def by_client() -> fr.Stage:
    def update(uploads, view):
        sent = fr.sum_by_client(uploads, fr.row_norms(uploads), view.num_clients)
        return fr.trust_clients(uploads, sent < 1)
    return fr.stateless_stage(update)

def wide() -> fr.LimitedAttack:
    def upload(state, view):
        return fr.same_rows(view.item_embeddings + jnp.ones(5), view), state
    return fr.LimitedAttack(lambda key, knowledge: (), upload)

def divides() -> fr.Rule:
    return fr.stateless_rule(lambda uploads, view: 1 / 0)

def at_once() -> fr.Rule:
    return 1 / 0

def flat() -> fr.Rule:
    return fr.stateless_rule(lambda uploads, view: fr.row_counts(uploads))

def rank() -> fr.Metric:
    return fr.mean_over_users("rank", lambda rank, others: 1.0 * rank, False)
"""

CASES = {
    "branches": (
        {"aggregator": "branches"},
        "6 in branches.combine: TracerBoolConversionError: if, while, and, or see no",
    ),
    "by_client": (
        {"aggregator": "by_client+mean"},
        "13 in by_client.update: uploads: it is not known which client sent a row; a ",
    ),
    "wide": (
        {"attack": "wide"},
        "19 in wide.upload: ValueError: Incompatible shapes for broadcasting",
    ),
    "divides": (
        {"aggregator": "divides"},
        "23 in divides.<lambda>: ZeroDivisionError: division by zero (JAXFR_TRACEBACK",
    ),
    "flat": ({"aggregator": "flat"}, "29 in flat.<lambda>: returned the rows int32["),
}


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "mine.py"
    path.write_text(MINE)
    return path


@pytest.mark.parametrize("case", CASES)
def test_it_says_file_line_and_function_and_the_other_programs_go_on(
    case, mine, tmp_path
):
    (given, told) = CASES[case]
    wrong = changed(**{name: f"{mine}:{text}" for name, text in given.items()})
    plan, said = plan_runs([wrong, changed()]), []
    with open_store(tmp_path / "store") as store:
        runs = run_plan(plan, store, ONE, Watcher(say=said.append))
        with pytest.raises(InvalidInputError) as refused:
            list(runs)
        (record,) = store.records()
    assert str(refused.value).startswith(f"{mine}:{told}")
    assert "\n" not in str(refused.value)
    assert record["aggregator"] == "mean"
    assert f"failed: {mine}:" in said[-1]


def test_a_metric_is_told_likewise(mine, tmp_path):
    plan = plan_runs([changed(metrics=f"{mine}:rank")])
    told = "^metrics=rank: is 2 at rank 2"
    with (
        open_store(tmp_path / "store") as store,
        pytest.raises(InvalidInputError, match=told),
    ):
        list(run_plan(plan, store, ONE))


def test_so_is_an_error_of_the_function_that_makes_the_part(mine):
    told = f"^{mine}:26 in at_once: ZeroDivisionError: division by zero"
    with pytest.raises(InvalidInputError, match=told):
        changed(aggregator=f"{mine}:at_once")


def test_the_traceback_is_to_be_had(mine, monkeypatch):
    monkeypatch.setenv("JAXFR_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        changed(aggregator=f"{mine}:at_once")


def test_an_error_of_jaxfr_s_own_stays_a_defect(mine, tmp_path, monkeypatch):
    plan = plan_runs([changed(aggregator=f"{mine}:flat")])
    monkeypatch.setattr(GroupCompiler, "compile", lambda *_: 1 / 0)
    with open_store(tmp_path / "store") as store, pytest.raises(ZeroDivisionError):
        list(run_plan(plan, store, ONE))

"""How far a store is, while others work on it and when nobody does."""

import datetime
import json
import os
import pathlib
import signal

import pytest

from jaxfr.store import look_into_store, open_store
from jaxfr.store.plans import last_wanted, leave_failure, leave_plan
from jaxfr.store.status import ProcessStatus, ProgramStatus, StoreStatus, status_of
from tests.store.processes import next_line, process
from tests.store.samples import fill

PLAN = [("ml-100k none mean", ["a-1", "b-1"]), ("ml-100k lie mean", ["c-1"])]

# Claims the runs that it is told, says that it did three of its ten rounds, and waits.
OWNER = """
import pathlib, sys
from jaxfr.store.store import open_store

with open_store(pathlib.Path(sys.argv[1])) as store:
    runs = store.claim(sys.argv[2:], 100)
    store.tell({"run": runs[0], "rounds_done": 3, "rounds": 10, "shard": "2 of 5"})
    print("holding", flush=True)
    sys.stdin.readline()
"""


def told(path: pathlib.Path) -> StoreStatus:
    store = look_into_store(path)
    assert store is not None
    return status_of(store)


def counts(path: pathlib.Path) -> tuple[int, ...]:
    """Of all runs together: how many, done, running, left, failed."""
    return told(path).total[1:]


@pytest.fixture
def planned(tmp_path) -> pathlib.Path:
    """A store of which somebody wants three runs."""
    with open_store(tmp_path / "store") as store:
        store.announce(PLAN)
    return tmp_path / "store"


def test_an_empty_store_has_no_runs(tmp_path):
    with open_store(tmp_path):
        pass
    assert told(tmp_path) == StoreStatus((), (), ())
    assert counts(tmp_path) == (0, 0, 0, 0, 0)


def test_before_anything_is_done_all_that_is_wanted_is_left(planned):
    assert told(planned).programs == (
        ProgramStatus("ml-100k none mean", runs=2, done=0, running=0, left=2, failed=0),
        ProgramStatus("ml-100k lie mean", runs=1, done=0, running=0, left=1, failed=0),
    )


def test_runs_in_hand_are_those_of_processes_that_live_with_how_far_they_are(planned):
    fill(planned, "a-1")
    with process(OWNER, planned, "b-1") as owner:
        assert next_line(owner) == "holding"
        assert counts(planned) == (3, 1, 1, 1, 0)
        (found,) = told(planned).processes
        host = os.uname().nodename.partition(".")[0]
        assert found == ProcessStatus(
            *(host, owner.pid, "2 of 5", "ml-100k none mean"),
            **{"runs": 1, "rounds_done": 3, "rounds": 10},
        )
        before = sorted(planned.rglob("*"))
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    assert counts(planned) == (3, 1, 0, 2, 0)
    assert told(planned).processes == ()
    assert sorted(planned.rglob("*")) == before  # looking changes nothing
    fill(planned, "b-1")
    assert not [*(planned / "claims").glob("*.progress")]


def test_a_claim_is_tried_only_while_nobody_makes_one_and_else_counts_as_held(planned):
    """Who makes one would find it locked by who tries it."""
    (planned / "claims" / "void.claim").write_text('["b-1"]')
    assert counts(planned) == (3, 0, 0, 3, 0)
    with open_store(planned) as store:
        (planned / "claims" / "void.claim").write_text('["b-1"]')
        with store._claims.alone():
            assert counts(planned) == (3, 0, 1, 2, 0)


def test_what_is_said_of_earlier_runs_is_not_said_of_those_in_hand(planned):
    with open_store(planned) as store:
        store.claim(["b-1"], 1)
        store.tell({"run": "a-1", "rounds_done": 3, "rounds": 10})
        (found,) = told(planned).processes
    assert (found.runs, found.rounds_done, found.rounds) == (1, None, None)


def test_a_failed_run_is_so_until_it_is_in_hand_or_done(planned):
    leave_failure(planned, "20260101T000000-node-7-7-ab", ["a-1", "c-1"], OSError("x"))
    (found,) = told(planned).failures
    assert (found.host, found.process) == ("node-7", 7)
    assert (found.error, found.runs) == ("OSError: x", ("a-1", "c-1"))
    assert counts(planned) == (3, 0, 0, 1, 2)
    with open_store(planned) as store:
        store.claim(["a-1"], 1)
        assert counts(planned) == (3, 0, 1, 1, 1)
    fill(planned, "a-1", "c-1")
    assert counts(planned) == (3, 2, 0, 1, 0)
    assert told(planned).failures == ()


def test_runs_wanted_anew_by_other_code_take_the_place_of_the_same_by_earlier(planned):
    fill(planned, "a-1")
    leave_plan(planned, [("ml-100k none mean", ["a-2", "b-2"])], any_code=False)
    assert counts(planned) == (3, 0, 0, 3, 0)
    leave_plan(planned, [("ml-100k none mean", ["a-2", "b-2"])], any_code=True)
    assert counts(planned) == (3, 1, 0, 2, 0)


def test_the_plan_that_was_wanted_last_counts(planned):
    leave_plan(planned, [("ml-100k none mean", ["a-2"])], any_code=False)
    fill(planned, "a-1")
    assert counts(planned)[1] == 0
    leave_plan(planned, PLAN, any_code=False)
    assert len([*(planned / "plans").iterdir()]) == 2
    assert counts(planned)[1] == 1


def test_runs_that_no_plan_names_are_done_under_their_own_settings(tmp_path):
    with open_store(tmp_path) as store:
        store.append(
            [
                {"run": f"{number}-1", "dataset": 'my "log"', "aggregator": "mean"}
                | ({"attack": "lie"} if number else {})
                for number in range(3)
            ]
        )
    assert [one[:3] for one in told(tmp_path).programs] == [
        ('my "log" ? mean', 1, 1),
        ('my "log" lie mean', 2, 2),
    ]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b'{"programs": [[]]}', b"7", b"\xff", b"[" * 10**5),
        b'{"programs": [], "any_code": true, "wanted": "0001-01-01T00:00:00+23:59"}',
        b'{"programs": [], "any_code": true, "wanted": 7}',
    ],
)
def test_damaged_plans_failures_and_words_count_for_nothing(planned, content):
    (planned / "plans" / "damaged.json").write_bytes(content)
    (planned / "failures").mkdir()
    (planned / "failures" / "damaged.jsonl").write_bytes(content)
    with open_store(planned) as store:
        store.claim(["a-1"], 1)
        (own,) = (planned / "claims").glob("*.claim")
        own.with_suffix(".progress").write_bytes(content)
        assert counts(planned) == (3, 0, 1, 2, 0)


def test_a_plan_that_cannot_be_left_costs_nothing(tmp_path):
    with open_store(tmp_path) as store:
        (tmp_path / "plans").touch()
        (tmp_path / "failures").touch()
        store.announce(PLAN)
        store.fail(["a"], ValueError("x"))
    fill(tmp_path, "a")
    assert counts(tmp_path) == (1, 1, 0, 0, 0)


def test_a_plan_says_programs_in_plain_json(planned):
    (file,) = (planned / "plans").iterdir()
    told = json.loads(file.read_bytes())
    moment = datetime.datetime.fromisoformat(told.pop("wanted"))
    assert last_wanted(planned) == {run: moment for _, runs in PLAN for run in runs}
    assert told == {
        "programs": [[title, runs] for title, runs in PLAN],
        "any_code": False,
    }

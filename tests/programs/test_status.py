"""How far a store is, as a person and a script read it."""

import json

import pytest

from jaxfr.store import open_store
from tests.programs.programs import Ended, assert_refused, run
from tests.store.samples import fill

PLAN = [("ml-100k none mean", ["a-1", "b-1"]), ("ml-100k lie mean", ["c-1"])]


def status(path, *arguments: str, **others) -> Ended:
    return run("status", f"--store={path}", *arguments, **others)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store") as opened:
        opened.announce(PLAN)
    return tmp_path / "store"


def test_a_store_of_which_nothing_is_asked_yet_is_not_finished(tmp_path):
    with open_store(tmp_path):
        pass
    told = status(tmp_path)
    assert (told.returncode, told.stderr) == (3, "")
    assert told.stdout == "no runs were asked for yet\n"


def test_a_table_has_a_row_for_each_program_and_lines_for_processes_and_failures(store):
    fill(store, "a-1")
    with open_store(store) as opened:
        opened.fail(["c-1"], ValueError("out of\nmemory"))
        opened.claim(["b-1"], 1)
        opened.tell({"run": "b-1", "rounds_done": 25, "rounds": 200, "shard": "1 of 2"})
        told = status(store)
    assert (told.returncode, told.stderr) == (3, "")
    header, first, second, process, failure, total = told.stdout.splitlines()
    assert header.split() == ["program", "runs", "done", "running", "left", "failed"]
    assert first.split() == ["ml-100k", "none", "mean", "2", "1", "1", "0", "0"]
    assert second.split() == ["ml-100k", "lie", "mean", "1", "0", "0", "0", "1"]
    assert process.endswith(
        "shard 1 of 2): 1 runs of ml-100k none mean, 12 % of rounds"
    )
    assert failure.startswith("1 runs failed on ")
    assert failure.endswith(": ValueError: out of memory")
    assert total == "3 runs: 1 done, 1 running, 0 left, 1 failed"


@pytest.mark.parametrize(
    ("done", "failed", "code"),
    [
        ((), (), 3),
        (("a-1", "c-1"), (), 3),
        (("a-1",), ("b-1",), 1),
        (("a-1", "b-1", "c-1"), ("b-1",), 0),
    ],
)
def test_a_script_reads_one_object_and_the_exit_code(store, done, failed, code):
    fill(store, *done)
    with open_store(store) as opened:
        opened.fail(failed, ValueError("x"))
    told = status(store, "--format=json")
    assert (told.returncode, told.stderr) == (code, "")
    found = json.loads(told.stdout)
    missing = [run for run in failed if run not in done]
    assert found["total"] == {
        **{"runs": 3, "done": len(done), "running": 0},
        **{"left": 3 - len(done) - len(missing), "failed": len(missing)},
    }
    assert [one["program"] for one in found["programs"]] == [title for title, _ in PLAN]
    assert [one["runs"] for one in found["failures"]] == [missing] * bool(missing)
    assert found["processes"] == []


def without_jax() -> None:
    """Ends with an error where JAX or NumPy is imported."""
    import sys

    for name in [*sys.modules]:
        if name.partition(".")[0] in ("jax", "jaxlib", "numpy", "jaxfr"):
            del sys.modules[name]
    sys.modules["jax"] = sys.modules["numpy"] = None  # type: ignore[assignment]
    import runpy

    runpy.run_module("jaxfr", run_name="__main__")


def test_it_answers_without_jax_which_takes_long_to_load(store):
    fill(store, "a-1", "b-1", "c-1", "d-1")
    told = status(store, program=without_jax)
    assert told.returncode == 0, told.stderr


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    assert_refused(status(tmp_path / "none"), "there is no result store")
    (tmp_path / "thesis.txt").touch()
    assert_refused(status(tmp_path), "is not a result store")
    below = tmp_path / "of_train"
    fill(below / "store", "a-1")
    assert_refused(status(below), f"not empty; did you mean {below / 'store'}?")

"""A store whose writers are killed, whose disk is full, whose files are cut."""

import concurrent.futures
import contextlib
import errno
import json
import os
import random
import signal
import threading
import time
from collections.abc import Sequence

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.store import open_store, read_store
from jaxfr.store.lines import encode_line, run_of_line
from tests.store.processes import let_go, next_line, process, stop
from tests.store.samples import files_of, fill, full_disk, lines_of, record, runs_of

# Does of 120 runs what others do not, three at a time.
WORKER = """
import os, pathlib, sys, time
from jaxfr.store.store import open_store

runs = [f"{index:016x}-code" for index in range(120)]
with open_store(pathlib.Path(sys.argv[1])) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    while claimed := store.claim(runs, 3):
        time.sleep(0.001)
        store.append([{"run": run, "by": os.getpid()} for run in claimed])
"""

# Appends large batches until all is done, and says what is in the store for certain. A
# second argument lets it kill itself with so much of its second batch in the file.
APPENDER = """
import os, pathlib, signal, sys
from jaxfr.store.store import open_store

write, calls, runs = os.write, [], [f"{index:016x}-code" for index in range(1200)]

def write_some(descriptor, content):
    if bytes(content[:6]) == b'{"run"':
        calls.append(content)
    if len(calls) == 2 and len(sys.argv) > 2:
        write(descriptor, content[: int(sys.argv[2])])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(descriptor, content)

os.write = write_some
with open_store(pathlib.Path(sys.argv[1])) as store:
    while claimed := store.claim(runs, 10):
        store.append([{"run": run, "curve": [run] * 50} for run in claimed])
        print(*claimed, flush=True)
"""

# Claims runs, and does nothing.
OWNER = """
import pathlib, sys
from jaxfr.store.store import open_store

with open_store(pathlib.Path(sys.argv[1])) as store:
    print(*store.claim(sys.argv[2:], 100), flush=True)
    sys.stdin.readline()
"""


def test_four_processes_do_every_run_once(tmp_path):
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(process(WORKER, tmp_path)) for _ in range(4)]
        for worker in workers:
            assert next_line(worker) == "ready"
        for worker in workers:
            let_go(worker)
        for worker in workers:
            assert worker.communicate(timeout=60) == ("", "")
    # (Counted in the files: a store would pass over a second record of a run.)
    read = [json.loads(line) for line in lines_of(tmp_path)]
    assert sorted(at["run"] for at in read) == [f"{i:016x}-code" for i in range(120)]
    # (Who is held up at its start may find nothing left to do.)
    assert {at["by"] for at in read} <= {worker.pid for worker in workers}


def test_who_claims_while_another_claims_gets_other_runs(tmp_path, monkeypatch):
    with (
        open_store(tmp_path) as store,
        open_store(tmp_path) as other,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        hold, results = store._claims.hold, []

        def hold_late(runs: Sequence[str]) -> None:
            results.append(pool.submit(other.claim, "abc", 9))
            time.sleep(0.05)
            hold(runs)

        monkeypatch.setattr(store._claims, "hold", hold_late)
        assert store.claim("abc", 2) == ("a", "b")
        assert results[0].result() == ("c",)


def test_a_run_of_a_killed_process_is_open_and_one_of_a_stopped_one_is_not(tmp_path):
    with open_store(tmp_path) as store, process(OWNER, tmp_path, "a", "b") as owner:
        assert next_line(owner) == "a b"
        stop(owner)
        assert store.claim("abc", 9) == ("c",)
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        assert store.claim("abc", 9) == ("a", "b", "c")


def test_what_was_acknowledged_outlives_its_writer(tmp_path):
    random_moments, acknowledged = random.Random(0), set()
    for _ in range(2):
        with process(APPENDER, tmp_path) as appender:
            acknowledged.update(next_line(appender).split())
            time.sleep(random_moments.uniform(0, 0.02))
            os.kill(appender.pid, signal.SIGKILL)
            acknowledged.update(appender.communicate()[0].split())
        assert acknowledged <= set(runs_of(tmp_path))
    with process(APPENDER, tmp_path) as appender:
        assert appender.communicate(timeout=60)[1] == ""
    expected = [f"{index:016x}-code" for index in range(1200)]
    read = {at["run"]: at["curve"] for at in read_store(tmp_path)}
    assert read == {run: [run] * 50 for run in expected}
    # No run was done by two, though a killed one may have done one in vain.
    runs = [run_of_line(line) for line in lines_of(tmp_path)]
    assert sorted(filter(None, runs)) == expected


@pytest.mark.parametrize("part", [0, 3000])
def test_a_batch_that_is_cut_by_a_kill_costs_only_its_rest(tmp_path, capsys, part):
    with process(APPENDER, tmp_path, part) as suicide:
        acknowledged = suicide.communicate()[0].split()
        assert suicide.returncode == -signal.SIGKILL
    assert len(acknowledged) == 10
    (file,) = files_of(tmp_path)
    whole = file.read_bytes().rpartition(b"\n")[0].split(b"\n")
    left = runs_of(tmp_path)
    assert left[:10] == acknowledged
    assert left == [run_of_line(line) for line in whole]
    assert (len(left) > 10) is (part > 0)
    # Half a line is like one that is being written: there is nothing to be told.
    assert capsys.readouterr().err == ""
    with open_store(tmp_path) as store:
        next_run = f"{len(left):016x}-code"
        assert store.claim([*left, next_run], 9) == (next_run,)
        store.append([record(next_run)])
    assert sorted(runs_of(tmp_path)) == [*left, next_run]


def test_half_a_line_costs_one_record_only(tmp_path, capsys):
    fill(tmp_path, "a", "b", "c")
    (file,) = files_of(tmp_path)
    content = file.read_bytes()
    for cut in range(1, len(encode_line(record("c"))) + 1):
        file.write_bytes(content[:-cut])
        with open_store(tmp_path) as store:
            assert store.claim("abc", 9) == ("c",)
            store.append([record("c", cut), record("d", cut)])
        expected = [record("a"), record("b"), record("c", cut), record("d", cut)]
        with open_store(tmp_path) as store:
            assert store.records("abcd") == expected
        (fresh,) = set(files_of(tmp_path)) - {file}
        fresh.unlink()
    assert capsys.readouterr().err == ""


def test_a_line_is_read_once_it_is_whole_and_told_of_if_it_is_cut_then(tmp_path):
    fill(tmp_path, "a", "b")
    (file,) = files_of(tmp_path)
    content = file.read_bytes()
    file.write_bytes(b"")
    with open_store(tmp_path) as store:
        for end in range(len(content) + 1):
            file.write_bytes(content[:end])
            store.refresh()
            whole = content[:end].count(b"\n")
            assert store.records() == [record("a"), record("b")][:whole]
        assert store.damaged == []
        for size in range(len(content) - 1):
            file.write_bytes(content[:size])
            store.refresh()
            with pytest.raises(InvalidInputError, match="changed while it was read"):
                store.records()
            if size >= content.index(b"\n"):
                assert store.records("a") == [record("a")]
        file.unlink()
        with pytest.raises(InvalidInputError, match=f"cannot read {file}: "):
            store.records()


def test_a_file_that_is_there_already_is_written_to_by_nobody_else(
    tmp_path, monkeypatch
):
    half = encode_line(record("x"))[:-3]
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "a.jsonl").write_bytes(half)
    monkeypatch.setattr("jaxfr.store.store.writer_name", iter("ab").__next__)
    fill(tmp_path, "y")
    assert (tmp_path / "records" / "a.jsonl").read_bytes() == half
    assert (tmp_path / "records" / "b.jsonl").read_bytes() == encode_line(record("y"))


def test_a_disk_that_is_full_at_any_byte_takes_all_of_a_batch_or_nothing(tmp_path):
    def contents() -> list[bytes]:
        return [file.read_bytes() for file in files_of(tmp_path)]

    batch, message = [record(run) for run in "xyz"], f"cannot write {tmp_path}: "
    length = sum(len(encode_line(line)) for line in batch)
    # (Five and the length of a line have no divisor in common.)
    places = [*range(0, length - 1, 5), length - 1]
    with open_store(tmp_path) as store:
        for more in places:
            # First into a file of its own, then behind what is there.
            for already in ([], [record(f"{more:03d}")]):
                store.append(already)
                before = contents()
                size = sum(len(encode_line(line)) for line in already) + more
                with pytest.raises(InvalidInputError, match=message), full_disk(size):
                    store.append(batch)
                assert contents() == before
                assert not any(store.is_finished(run) for run in "xyz")
        store.append(batch)
    earlier = [f"{more:03d}" for more in places]
    assert sorted(runs_of(tmp_path)) == [*earlier, "x", "y", "z"]


def _fail_half_way(patch: pytest.MonkeyPatch, failure: BaseException) -> None:
    """Lets the next write get half of its content into the file, and then fail."""
    write, failures = os.write, [failure]

    def write_half(descriptor: int, content: Sequence[int]) -> int:
        if len(content) > 10 and failures:
            return write(descriptor, bytes(content[: len(content) // 2]))
        if failures:
            raise failures.pop()
        return write(descriptor, bytes(content))

    patch.setattr(os, "write", write_half)


def _raising(failure: BaseException):
    def refuse(*_: object) -> None:
        raise failure

    return refuse


def _fail_at_last(patch: pytest.MonkeyPatch, failure: BaseException) -> None:
    """Lets everything get into the file, but not for certain onto the disk."""
    patch.setattr(os, "fsync", _raising(failure))


def _fail_for_good(patch: pytest.MonkeyPatch, failure: BaseException) -> None:
    """Lets half of it get into the file, from where it cannot be taken back."""
    _fail_half_way(patch, failure)
    patch.setattr(os, "ftruncate", _raising(PermissionError(errno.EACCES, "refused")))


@pytest.mark.parametrize("fail", [_fail_half_way, _fail_at_last, _fail_for_good])
@pytest.mark.parametrize("already", [[], ["a"]])
@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()]
)
def test_a_batch_that_fails_half_way_harms_nothing_and_is_taken_back(
    tmp_path, monkeypatch, fail, already, failure
):
    batch = [record("x", "long" * 10), record("y"), record("z")]
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        store.append([record(run) for run in already])
        before = lines_of(tmp_path)
        store.claim("xyz", 9)
        with monkeypatch.context() as patch:
            fail(patch, failure)
            with pytest.raises((InvalidInputError, KeyboardInterrupt)) as caught:
                store.append(batch)
        if caught.type is InvalidInputError:
            assert str(caught.value) == f"cannot write {tmp_path}: full"
        if fail is not _fail_for_good:
            assert lines_of(tmp_path) == before
            assert len(files_of(tmp_path)) == len(already)
        # What failed is still in this store's hands.
        assert other.claim("xyz", 9) == ()
        store.append(batch)
        other.append([record("w")])
        assert store.records("xyz") == batch
    assert sorted(runs_of(tmp_path)) == sorted([*already, "w", "x", "y", "z"])


def test_who_opens_a_store_does_not_see_a_batch_that_is_taken_back(
    tmp_path, monkeypatch
):
    def open_and_claim() -> tuple[str, ...]:
        opening.set()
        with open_store(tmp_path) as other:
            return other.claim("abc", 9)

    opening = threading.Event()
    with (
        open_store(tmp_path) as store,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        monkeypatch.context() as patch,
    ):
        store.append([record("a")])

        def fail_late(*_):
            results.append(pool.submit(open_and_claim))
            opening.wait()
            time.sleep(0.05)
            raise OSError(errno.ENOSPC, "full")

        results: list[concurrent.futures.Future] = []
        patch.setattr(os, "fsync", fail_late)
        with pytest.raises(InvalidInputError, match="full"):
            store.append([record("b"), record("c")])
        assert results[0].result() == ("b", "c")

import concurrent.futures
import contextlib
import errno
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jaxfr.errors import InvalidInputError
from jaxfr.store import Store, look_into_store, open_store, read_store
from jaxfr.store.claims import Claims
from jaxfr.store.lines import encode_line, run_of_line
from tests.store.processes import next_line, output_of, process

pytest.importorskip("fcntl")

# Does of 120 runs what others do not, three at a time.
WORKER = """
import os, pathlib, sys, time
from jaxfr.store import open_store

runs = [f"{index:016x}-code" for index in range(120)]
with open_store(pathlib.Path(sys.argv[1])) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    while claimed := store.claim(runs, 3):
        time.sleep(0.001)
        store.append([{"run": run, "by": os.getpid()} for run in claimed])
"""

# Appends large batches until all is done, and says what is in the store for certain.
APPENDER = """
import pathlib, sys
from jaxfr.store import open_store

runs = [f"{index:016x}-code" for index in range(1200)]
with open_store(pathlib.Path(sys.argv[1])) as store:
    while claimed := store.claim(runs, 10):
        store.append([{"run": run, "curve": [run] * 500} for run in claimed])
        print(*claimed, flush=True)
"""

# The same, but kills itself with some part of its second batch in the file.
SUICIDE = """
import os, pathlib, signal, sys

write, calls = os.write, []

def write_some(descriptor, content):
    calls.append(content)
    if len(calls) == 2:
        write(descriptor, content[: int(sys.argv[2])])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(descriptor, content)

os.write = write_some
""" + APPENDER.replace("* 500", "* 1")

# Claims runs, and does nothing.
OWNER = """
import pathlib, sys
from jaxfr.store import open_store

with open_store(pathlib.Path(sys.argv[1])) as store:
    print(*store.claim(sys.argv[2:], 100), flush=True)
    sys.stdin.readline()
"""

# Has a disk on which the second batch fits only in part, whatever part that is.
FULL = """
import pathlib, resource, signal, sys
from jaxfr.errors import InvalidInputError
from jaxfr.store import open_store
from jaxfr.store.lines import encode_line

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = pathlib.Path(sys.argv[1])

def files():
    return {file: file.read_bytes() for file in (path / "records").iterdir()}

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

batch = [{"run": f"{index}-code"} for index in range(3)]
length = sum(len(encode_line(record)) for record in batch)
for more in range(length):
    with open_store(path) as store:
        # (With nothing before it, a file need not even be there.)
        if more % 2:
            store.append([{"run": f"{more}-first"}])
        before = files()
        size = len(encode_line({"run": f"{more}-first"})) if more % 2 else 0
        store.claim([record["run"] for record in batch], 5)
        limit(size + more)
        try:
            store.append(batch)
            print("it fits")
        except InvalidInputError as error:
            assert str(error).startswith(f"cannot write {path}: "), error
        limit(resource.RLIM_INFINITY)
        assert files() == before
        assert not any(store.is_finished(record["run"]) for record in batch)
        if more == length - 1:
            store.append(batch)
"""

# Looks at a store that it may not write to.
READER = """
import os, pathlib, sys
from jaxfr.errors import InvalidInputError
from jaxfr.store import look_into_store, open_store, read_store

path = pathlib.Path(sys.argv[1])
try:
    if os.geteuid() == 0:  # root may write everywhere
        os.seteuid(65534)
except OSError:
    sys.exit("nobody else to be")
if not os.access(path, os.R_OK, effective_ids=True):
    sys.exit("no folder that others can read")
assert [record["run"] for record in read_store(path)] == ["a"]
store = look_into_store(path)
assert store.is_finished("a")
for failing in (
    lambda: open_store(path).__enter__(),
    lambda: open_store(path / "below").__enter__(),
    lambda: store.claim(["b"], 1),
    lambda: store.append([{"run": "b"}]),
):
    try:
        failing()
        print("it can be written")
    except InvalidInputError as error:
        print(error)
"""

# Makes stores at given moments, together with others.
MAKER = """
import pathlib, sys, time
from jaxfr.store import open_store

folder, name, start = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
for index in range(60):
    time.sleep(max(0, start + 0.01 * index - time.time()))
    with open_store(folder / str(index)) as store:
        store.append([{"run": name}])
"""


def record(run: str, value: object = None) -> dict[str, object]:
    return {"run": run, "value": value}


def files_of(path: pathlib.Path) -> list[pathlib.Path]:
    return sorted((path / "records").iterdir())


def lines_of(path: pathlib.Path) -> list[bytes]:
    return [
        line for file in files_of(path) for line in file.read_bytes().splitlines(True)
    ]


def runs_of(path: pathlib.Path) -> list[str]:
    return [read["run"] for read in read_store(path)]


def fill(path: pathlib.Path, *runs: str) -> None:
    with open_store(path) as store:
        store.append([record(run) for run in runs])


def test_what_is_appended_is_finished_and_read(tmp_path):
    with open_store(tmp_path) as store:
        assert store.records() == []
        store.append([record("b", 1.5), record("a", [1, None])])
        store.append([record("c")])
        store.append([])
        expected = [record("b", 1.5), record("a", [1, None]), record("c")]
        assert store.records() == expected
        assert [store.is_finished(run) for run in "abcd"] == [True] * 3 + [False]
    assert read_store(tmp_path) == expected
    assert len(files_of(tmp_path)) == 1


def test_chosen_records_come_in_the_order_of_the_choice(tmp_path):
    fill(tmp_path, "c", "a")
    fill(tmp_path, "d", "b")
    with open_store(tmp_path) as store:
        store.append([record("e")])
        for chosen in itertools.permutations("abcde"):
            assert [read["run"] for read in store.records(chosen)] == list(chosen)
        assert store.records("cac") == [record(run) for run in "cac"]
        assert store.records([]) == []
        with pytest.raises(KeyError):
            store.records(["x"])


def test_the_first_runs_that_are_open_are_claimed(tmp_path):
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        store.append([record("b")])
        assert store.claim("abcde", 2) == ("a", "c")
        assert other.claim("abcde", 2) == ("d", "e")
        assert store.in_other_hands("abcdx") == {"d"}
        assert other.in_other_hands("abcdx") == {"a", "c"}
        # What was claimed before is given up, and may be claimed again.
        assert store.claim("edcba", 1) == ("c",)
        assert other.claim("abcde", 9) == ("a", "d", "e")
        assert store.claim("ade", 9) == ()
        assert store.claim("c", 0) == ()
        assert other.claim("c", 1) == ("c",)


def test_an_append_gives_up_all_claims(tmp_path):
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        store.claim("ab", 2)
        store.append([record("a")])
        assert other.claim("ab", 2) == ("b",)
        other.append([])
        assert store.claim("ab", 2) == ("b",)


def test_whoever_closes_a_store_gives_up_all_claims(tmp_path):
    with open_store(tmp_path) as store:
        with open_store(tmp_path) as other:
            assert other.claim("a", 1) == ("a",)
            assert store.claim("a", 1) == ()
        assert store.claim("a", 1) == ("a",)
        with contextlib.suppress(KeyboardInterrupt), open_store(tmp_path) as other:
            assert other.claim("b", 1) == ("b",)
            raise KeyboardInterrupt
        assert store.claim("b", 1) == ("b",)


def test_what_others_append_is_seen_on_refreshing(tmp_path):
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        other.append([record("a")])
        assert not store.is_finished("a")
        store.refresh()
        assert store.is_finished("a")
        other.append([record("b"), record("c")])
        assert store.claim("abcd", 9) == ("d",)
        assert store.records() == [record("a"), record("b"), record("c")]


def test_a_run_is_kept_once(tmp_path):
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        store.append([record("a", 1)])
        other.append([record("a", 2), record("b", 2)])
        store.append([record("b", 3)])
        store.append([record("c", 3), record("c", 4)])
    expected = [record("a", 1), record("b", 2), record("c", 4)]
    assert sorted(read_store(tmp_path), key=lambda read: read["run"]) == expected
    assert len(lines_of(tmp_path)) == 3


def test_a_number_that_is_not_finite_leaves_the_store_as_it_was(tmp_path):
    with open_store(tmp_path) as store:
        store.append([record("a")])
        before = lines_of(tmp_path)
        with pytest.raises(ValueError, match="not JSON compliant"):
            store.append([record("b"), record("c", float("nan"))])
        assert lines_of(tmp_path) == before
        store.append([record("b")])
    assert runs_of(tmp_path) == ["a", "b"]


def test_a_store_is_resumed(tmp_path):
    runs = [f"{index}" for index in range(10)]
    done: list[str] = []
    while True:
        with open_store(tmp_path) as store:
            claimed = store.claim(runs, 3)
            if not claimed:
                break
            store.append([record(run) for run in claimed])
            done += claimed
    assert done == runs
    assert sorted(runs_of(tmp_path)) == runs
    # Everyone writes to a file of their own; who writes nothing has none.
    assert len(files_of(tmp_path)) == 4


def test_a_run_of_other_code_counts_only_if_any_code_does(tmp_path):
    fill(tmp_path, "1111-old", "2222-new")
    wanted = ["1111-new", "2222-new", "3333-new"]
    with open_store(tmp_path) as store:
        assert [store.is_finished(run) for run in wanted] == [False, True, False]
        assert store.claim(wanted, 9) == ("1111-new", "3333-new")
    with open_store(tmp_path, any_code=True) as store:
        assert [store.is_finished(run) for run in wanted] == [True, True, False]
        assert store.claim(wanted, 9) == ("3333-new",)
        assert store.records(wanted[:2]) == [record("1111-old"), record("2222-new")]
        # A run of the wanted code comes before one of any.
        store.append([record("1111-new")])
        assert store.records(wanted[:2]) == [record("1111-new"), record("2222-new")]
        assert store.records(["1111-old"]) == [record("1111-old")]
    store = look_into_store(tmp_path, any_code=True)
    assert store is not None
    assert store.is_finished("2222-old")


def test_where_nothing_is_nothing_is_found_and_made(tmp_path):
    path = tmp_path / "a" / "store"
    assert look_into_store(path) is None
    with pytest.raises(InvalidInputError, match="there is no result store"):
        read_store(path)
    assert list(tmp_path.iterdir()) == []


def test_looking_writes_nothing(tmp_path):
    assert look_into_store(tmp_path) is not None
    assert list(tmp_path.iterdir()) == []
    fill(tmp_path, "a")
    shutil.rmtree(tmp_path / "claims")
    before = sorted(tmp_path.rglob("*"))
    store = look_into_store(tmp_path)
    assert store is not None
    assert store.is_finished("a")
    store.close()
    assert sorted(tmp_path.rglob("*")) == before


def test_four_processes_do_every_run_once(tmp_path):
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(process(WORKER, tmp_path)) for _ in range(4)]
        for worker in workers:
            assert next_line(worker) == "ready"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
        for worker in workers:
            assert worker.communicate(timeout=60) == ("", "")
    # (Counted in the files: a store would pass over a second record of a run.)
    read = [json.loads(line) for line in lines_of(tmp_path)]
    assert sorted(at["run"] for at in read) == [f"{i:016x}-code" for i in range(120)]
    assert {at["by"] for at in read} == {worker.pid for worker in workers}
    assert len(files_of(tmp_path)) == 4


def test_a_run_of_a_killed_process_is_open_and_one_of_a_stopped_one_is_not(tmp_path):
    with open_store(tmp_path) as store, process(OWNER, tmp_path, "a", "b") as owner:
        assert next_line(owner) == "a b"
        os.kill(owner.pid, signal.SIGSTOP)
        os.waitpid(owner.pid, os.WUNTRACED)
        assert store.claim("abc", 9) == ("c",)
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        assert store.claim("abc", 9) == ("a", "b", "c")


def test_what_was_acknowledged_outlives_its_writer(tmp_path):
    random_moments, acknowledged = random.Random(0), set()
    for _ in range(15):
        with process(APPENDER, tmp_path) as appender:
            acknowledged.update(next_line(appender).split())
            time.sleep(random_moments.uniform(0, 0.02))
            os.kill(appender.pid, signal.SIGKILL)
            acknowledged.update(appender.communicate()[0].split())
        assert acknowledged <= set(runs_of(tmp_path))
    output_of(APPENDER, tmp_path)
    expected = [f"{index:016x}-code" for index in range(1200)]
    read = {at["run"]: at["curve"] for at in read_store(tmp_path)}
    assert read == {run: [run] * 500 for run in expected}
    # No run was done by two, though a killed one may have done one in vain.
    runs = [run_of_line(line) for line in lines_of(tmp_path)]
    assert sorted(filter(None, runs)) == expected


@pytest.mark.parametrize("part", [0, 1, 100, 300, 10**6])
def test_a_batch_that_is_cut_by_a_kill_costs_only_its_rest(tmp_path, capsys, part):
    with process(SUICIDE, tmp_path, part) as suicide:
        acknowledged = suicide.communicate()[0].split()
        assert suicide.returncode == -signal.SIGKILL
    assert len(acknowledged) == 10
    (file,) = files_of(tmp_path)
    whole = file.read_bytes().rpartition(b"\n")[0].split(b"\n")
    left = runs_of(tmp_path)
    assert left[:10] == acknowledged
    assert left == [run_of_line(line) for line in whole]
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
    last = len(encode_line(record("c")))
    for cut in range(1, last + 1):
        file.write_bytes(content[:-cut])
        with open_store(tmp_path) as store:
            assert store.claim("abc", 9) == ("c",)
            store.append([record("c", cut), record("d", cut)])
        with open_store(tmp_path) as store:
            expected = [record("a"), record("b"), record("c", cut), record("d", cut)]
            assert store.records("abcd") == expected
        fresh = next(path for path in files_of(tmp_path) if path != file)
        fresh.unlink()
    assert capsys.readouterr().err == ""


def test_a_line_is_read_once_it_is_whole(tmp_path):
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


GARBAGE = bytes(range(256)) * 20
OTHERS = b'{"round": 1, "hr@10": 0.5}\n{"run": "a", "hr@10": 0.5}\n'


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (OTHERS, 2),
        (GARBAGE + b"\n", 21),
        (encode_line(record("a")).replace(b"null", b"true"), 1),
        (b"\n\r\n  \n" + OTHERS, 2),
        (encode_line(record("x"))[:-5] + encode_line(record("a")), 1),
        # A last line without an end may be one that is being written.
        (b"", 0),
        (OTHERS[:-1], 1),
        (b'{"run": "a"}', 0),
        (b"\x00" * 5000, 0),
    ],
)
def test_foreign_lines_are_told_once_and_change_nothing_else(
    tmp_path, capsys, content, lines
):
    fill(tmp_path, "b")
    foreign = tmp_path / "records" / "results.jsonl"
    foreign.write_bytes(content)
    (tmp_path / "records" / "notes.txt").write_text("something else")
    with open_store(tmp_path) as store:
        told = capsys.readouterr().err
        assert store.claim("abc", 9) == ("a", "c")
        store.append([record("a", 1)])
        store.refresh()
    assert runs_of(tmp_path) in (["a", "b"], ["b", "a"])
    assert foreign.read_bytes() == content
    if lines == 0:
        assert told == ""
    else:
        assert told.startswith(f"jaxfr: {tmp_path}: {lines} damaged or foreign lines")
        assert "results.jsonl at byte " in told
        assert told.count("\n") == 1
        # Each who opens the store is told once, here the reader.
        assert capsys.readouterr().err == told


def test_a_damaged_line_is_named_and_its_run_is_open(tmp_path, capsys):
    fill(tmp_path, "a", "b", "c")
    (file,) = files_of(tmp_path)
    content = bytearray(file.read_bytes())
    start = content.index(b"\n") + 1
    content[start + 20] ^= 4
    file.write_bytes(content)
    with open_store(tmp_path) as store:
        assert f"({file.name} at byte {start})" in capsys.readouterr().err
        assert store.claim("abc", 9) == ("b",)
        assert store.records() == [record("a"), record("c")]
        store.append([record("b")])
    assert sorted(runs_of(tmp_path)) == ["a", "b", "c"]


def test_a_disk_that_is_full_at_any_byte_takes_all_of_a_batch_or_nothing(tmp_path):
    assert output_of(FULL, tmp_path) == ""
    later, earlier = [f"{i}-code" for i in range(3)], [f"{i}-first" for i in range(126)]
    assert sorted(runs_of(tmp_path)) == sorted([*later, *earlier[1::2]])


def _fill_the_disk(monkeypatch, failure: BaseException) -> None:
    """Lets the next write get half of its content into the file, and then fail."""
    write, failures = os.write, [failure]

    def write_half(descriptor: int, content: Sequence[int]) -> int:
        if len(content) > 10 and failures:
            return write(descriptor, bytes(content[: len(content) // 2]))
        if failures:
            raise failures.pop()
        return write(descriptor, bytes(content))

    monkeypatch.setattr(os, "write", write_half)


@pytest.mark.parametrize("already", [[], ["a"], ["a", "b"]])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt])
def test_a_batch_that_fails_half_way_is_taken_back(
    tmp_path, monkeypatch, already, failure
):
    batch = [record("x", "long" * 10), record("y"), record("z")]
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        store.append([record(run) for run in already])
        before = lines_of(tmp_path)
        store.claim("xyz", 9)
        with monkeypatch.context() as patch:
            _fill_the_disk(patch, failure)
            with pytest.raises((InvalidInputError, KeyboardInterrupt)) as caught:
                store.append(batch)
        if caught.type is InvalidInputError:
            assert str(caught.value) == f"cannot write {tmp_path}: full"
        assert lines_of(tmp_path) == before
        assert len(files_of(tmp_path)) == (1 if already else 0)
        # What failed is still in this store's hands.
        assert other.claim("xyz", 9) == ()
        store.append(batch)
        other.append([record("w")])
    assert sorted(runs_of(tmp_path)) == sorted([*already, "w", "x", "y", "z"])


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt])
def test_half_a_line_that_cannot_be_taken_back_harms_nothing(
    tmp_path, monkeypatch, failure
):
    with open_store(tmp_path) as store:
        store.append([record("a")])
        with monkeypatch.context() as patch:
            _fill_the_disk(patch, failure)
            patch.setattr(os, "ftruncate", _refuse)
            with pytest.raises((InvalidInputError, KeyboardInterrupt)):
                store.append([record("b", "long" * 20)])
        store.append([record("b"), record("c")])
        store.append([record("d")])
        assert store.records() == [record(run) for run in "abcd"]
    assert sorted(runs_of(tmp_path)) == ["a", "b", "c", "d"]


def _refuse(*_):
    raise OSError(errno.EIO, "refused")


def test_a_failing_fsync_takes_a_batch_back(tmp_path, monkeypatch):
    with open_store(tmp_path) as store:
        store.append([record("a")])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", _refuse)
            with pytest.raises(InvalidInputError, match=f"{tmp_path}: refused"):
                store.append([record("b")])
        assert runs_of(tmp_path) == ["a"]
        store.append([record("b")])
    assert sorted(runs_of(tmp_path)) == ["a", "b"]


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


def _open(path: pathlib.Path) -> None:
    with open_store(path):
        pass


OPENERS = [_open, look_into_store, read_store]


def test_a_store_that_cannot_be_written_can_be_read():
    # (Other users cannot get into pytest's own folder.)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "store")
        fill(path, "a")
        everything = [*path.rglob("*"), path]
        modes = {at: at.stat().st_mode for at in everything}
        pathlib.Path(folder).chmod(0o755)
        try:
            for at in everything:
                at.chmod(0o555 if at.is_dir() else 0o444)
            with process(READER, path) as reader:
                output, complaints = reader.communicate(timeout=60)
        finally:
            for at in reversed(everything):
                at.chmod(modes[at])
    if "nobody" in complaints or "no folder" in complaints:
        pytest.skip(complaints)
    assert (reader.returncode, complaints) == (0, "")
    refused = os.strerror(errno.EACCES)
    assert output.splitlines() == [
        f"cannot write {path}: {refused}",
        f"cannot make the result store {path / 'below'}: {refused}",
        f"cannot write {path}: {refused}",
        f"cannot write {path}: {refused}",
    ]


@pytest.mark.parametrize("called", OPENERS)
def test_a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(
    tmp_path, monkeypatch, called
):
    fill(tmp_path, "a")
    listdir, scandir = os.listdir, os.scandir

    def refusing(function):
        def look(path="."):
            if pathlib.Path(os.fspath(path)).name == "records":
                raise PermissionError(errno.EACCES, "refused")
            return function(path)

        return look

    monkeypatch.setattr(os, "listdir", refusing(listdir))
    monkeypatch.setattr(os, "scandir", refusing(scandir))
    with pytest.raises(InvalidInputError, match=f"cannot read {tmp_path / 'records'}"):
        called(tmp_path)


@pytest.mark.parametrize("called", OPENERS)
def test_a_file_that_cannot_be_read_is_named(tmp_path, called):
    fill(tmp_path, "a")
    folder = tmp_path / "records" / "folder.jsonl"
    folder.mkdir()
    with pytest.raises(InvalidInputError, match=f"cannot read {folder}: "):
        called(tmp_path)


@pytest.mark.parametrize("called", OPENERS)
def test_a_folder_of_another_kind_is_refused_and_left_as_it_is(tmp_path, called):
    (tmp_path / "records").mkdir()
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InvalidInputError, match="is not a result store, and not empty"):
        called(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("called", OPENERS)
def test_a_file_is_no_store(tmp_path, called):
    path = tmp_path / "file"
    path.write_text("something")
    for at in (path, path / "below"):
        if at is path or called is _open:
            with pytest.raises(InvalidInputError, match=str(at)):
                called(at)
    assert path.read_text() == "something"


@pytest.mark.parametrize("left", [[], ["records"], ["records", "claims", ".new-abc"]])
def test_a_store_is_completed_that_was_begun(tmp_path, left):
    for name in left:
        (tmp_path / name).mkdir()
    assert read_store(tmp_path) == []
    fill(tmp_path, "a")
    assert runs_of(tmp_path) == ["a"]


@pytest.mark.parametrize("called", OPENERS)
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"{}", b"[]", b"1", b"null", b'"text"', b"\xff\xfe", b"\x00" * 30],
)
def test_a_damaged_marker_is_refused_until_it_is_deleted(tmp_path, called, content):
    fill(tmp_path, "a")
    marker = tmp_path / "store.json"
    marker.write_bytes(content)
    with pytest.raises(InvalidInputError, match="is damaged; delete it") as caught:
        called(tmp_path)
    assert str(marker) in str(caught.value)
    marker.unlink()
    called(tmp_path)
    assert runs_of(tmp_path) == ["a"]


@pytest.mark.parametrize("called", OPENERS)
def test_a_store_of_a_later_format_is_refused(tmp_path, called):
    fill(tmp_path, "a")
    (tmp_path / "store.json").write_text('{"jaxfr_result_store": 2, "more": []}')
    with pytest.raises(InvalidInputError, match="of format 2; this jaxfr reads 1"):
        called(tmp_path)


def test_several_processes_make_a_store_at_once(tmp_path):
    start = time.time() + 0.5
    with contextlib.ExitStack() as stack:
        makers = [
            stack.enter_context(process(MAKER, tmp_path, name, start))
            for name in ("one", "two", "three")
        ]
        for maker in makers:
            assert maker.communicate(timeout=60) == ("", "")
    for index in range(60):
        path = tmp_path / str(index)
        assert sorted(runs_of(path)) == ["one", "three", "two"]
        names = {entry.name for entry in path.iterdir()}
        assert names == {"store.json", "records", "claims"}


def test_who_looks_while_a_store_is_made_sees_a_whole_marker(tmp_path, monkeypatch):
    write, looks = pathlib.Path.write_bytes, []

    def write_in_two(path: pathlib.Path, content: bytes) -> int:
        for written in (b"", content[:5], content):
            write(path, written)
            looks.append(read_store(tmp_path))
        return len(content)

    monkeypatch.setattr(pathlib.Path, "write_bytes", write_in_two)
    fill(tmp_path, "a")
    assert looks == [[], [], []]
    assert runs_of(tmp_path) == ["a"]


def test_a_record_that_was_read_stays_when_another_of_its_run_comes(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    with open_store(here) as store, open_store(there) as other:
        store.append([record("a", 1)])
        other.append([record("a", 2), record("b", 2)])
        shutil.copy(files_of(there)[0], here / "records")
        store.refresh()
        assert store.records() == [record("a", 1), record("b", 2)]
    assert len(runs_of(here)) == 2


def test_stores_are_merged_by_copying_files(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    fill(here, "a", "b")
    fill(there, "b", "c")
    fill(there, "d")
    with open_store(here) as store:
        assert store.claim("abcd", 9) == ("c", "d")
        for _ in range(2):  # copied again, nothing changes
            for file in files_of(there):
                shutil.copy(file, here / "records")
            assert store.claim("abcde", 9) == ("e",)
            assert sorted(read["run"] for read in store.records()) == list("abcd")
        # Who copies a file that has grown adds what is new.
        with files_of(there)[0].open("ab") as file:
            file.write(encode_line(record("e")))
        shutil.copy(files_of(there)[0], here / "records")
        assert store.claim("abcdef", 9) == ("f",)
        store.append([record("f")])
    assert sorted(runs_of(here)) == list("abcdef")
    assert sorted(runs_of(there)) == list("bcde")


RUNS = [f"{index}-code" for index in range(6)]
STORES = st.integers(0, 2)
SOME_RUNS = st.lists(st.sampled_from(RUNS), unique=True)


class ThreeAtOneStore(RuleBasedStateMachine):
    """Three who write to one folder, against a dictionary and a set for each."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.opened = [self._open() for _ in range(3)]
        self.held: list[set[str]] = [set(), set(), set()]
        self.finished: dict[str, int] = {}
        self.values = itertools.count()

    def _open(self) -> tuple[contextlib.ExitStack, Store]:
        stack = contextlib.ExitStack()
        return stack, stack.enter_context(open_store(self.path))

    def _held_by_others(self, index: int) -> set[str]:
        return set().union(*(self.held[i] for i in range(3) if i != index))

    @rule(index=STORES, runs=SOME_RUNS, at_most=st.integers(0, 4))
    def claim(self, index: int, runs: list[str], at_most: int) -> None:
        taken = self._held_by_others(index) | set(self.finished)
        expected = [run for run in runs if run not in taken][:at_most]
        assert self.opened[index][1].claim(runs, at_most) == tuple(expected)
        self.held[index] = set(expected)

    @rule(index=STORES, runs=SOME_RUNS)
    def append(self, index: int, runs: list[str]) -> None:
        values = {run: next(self.values) for run in runs}
        store = self.opened[index][1]
        store.append([record(run, value) for run, value in values.items()])
        self.finished = values | self.finished
        self.held[index] = set()

    @precondition(lambda self: any(self.held))
    @rule(data=st.data())
    def do_what_is_claimed(self, data: st.DataObject) -> None:
        busy = [index for index in range(3) if self.held[index]]
        index = data.draw(st.sampled_from(busy))
        self.append(index, sorted(self.held[index]))

    @rule(index=STORES)
    def open_again(self, index: int) -> None:
        self.opened[index][0].close()
        self.opened[index] = self._open()
        self.held[index] = set()

    @rule(index=STORES)
    def die(self, index: int) -> None:
        """What the system does for a process that is killed."""
        store = self.opened[index][1]
        if store._claims._mine is not None:
            os.close(store._claims._mine)
        self.opened[index] = self._open()
        self.held[index] = set()

    @rule(index=STORES, runs=SOME_RUNS)
    def ask_for_others(self, index: int, runs: list[str]) -> None:
        expected = self._held_by_others(index).intersection(runs)
        assert self.opened[index][1].in_other_hands(runs) == expected

    @rule(index=STORES, data=st.data())
    def leave_half_a_line(self, index: int, data: st.DataObject) -> None:
        """What a process leaves that is killed while it writes."""
        line = encode_line(record(data.draw(st.sampled_from(RUNS))))
        cut = data.draw(st.integers(1, len(line) - 1))
        name = f"{next(self.values)}.jsonl"
        (self.path / "records" / name).write_bytes(line[:cut])
        self.die(index)

    @rule(index=STORES)
    def look(self, index: int) -> None:
        store = self.opened[index][1]
        store.refresh()
        self._assert_all_there(store)

    def _assert_all_there(self, store: Store) -> None:
        expected = [record(run, value) for run, value in self.finished.items()]
        assert store.records(list(self.finished)) == expected
        assert len(store.records()) == len(expected)
        finished = {run for run in RUNS if store.is_finished(run)}
        assert finished == set(self.finished)

    @invariant()
    def nothing_is_written_twice(self) -> None:
        whole = [
            run_of_line(line) for line in lines_of(self.path) if line.endswith(b"\n")
        ]
        assert sorted(filter(None, whole)) == sorted(self.finished)

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        for stack, _ in self.opened:
            stack.close()
        store = look_into_store(self.path)
        assert store is not None
        self._assert_all_there(store)
        assert list((self.path / "claims").glob("*.claim")) == []
        self.folder.cleanup()


def test_three_at_one_store_agree_with_a_dictionary_and_sets():
    run_state_machine_as_test(
        ThreeAtOneStore,
        settings=settings(max_examples=30, stateful_step_count=30, deadline=None),
    )


def test_without_locks_nothing_is_lost(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("jaxfr.store.claims.fcntl", None)
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        for _ in range(2):
            assert store.claim("abc", 2) == other.claim("abc", 2) == ("a", "b")
        store.append([record("a"), record("b")])
        assert other.in_other_hands("abc") == frozenset()
        assert other.claim("abc", 9) == ("c",)
        other.append([record("a"), record("c")])
    # Each of the two says it once.
    assert capsys.readouterr().err.count("may do a run twice\n") == 2
    assert sorted(runs_of(tmp_path)) == ["a", "b", "c"]


@contextlib.contextmanager
def _name_of(writer: str, monkeypatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr("jaxfr.store.store.writer_name", iter(writer).__next__)
        yield


def test_a_file_that_is_there_already_is_written_to_by_nobody_else(
    tmp_path, monkeypatch
):
    (tmp_path / "records").mkdir()
    half = encode_line(record("x"))[:-3]
    (tmp_path / "records" / "a.jsonl").write_bytes(half)
    with _name_of("ab", monkeypatch), open_store(tmp_path) as store:
        store.append([record("y")])
    assert (tmp_path / "records" / "a.jsonl").read_bytes() == half
    assert (tmp_path / "records" / "b.jsonl").read_bytes() == encode_line(record("y"))


def test_writers_have_names_of_their_own(tmp_path):
    names = {Store(tmp_path, any_code=False)._writer for _ in range(100)}
    assert len(names) == 100


def test_a_claim_outside_of_the_store_counts_as_any(tmp_path):
    with open_store(tmp_path) as store:
        claims = Claims(tmp_path / "claims", "other")
        with claims.alone():
            claims.hold("a")
        assert store.claim("ab", 9) == ("b",)
        claims.close()
        assert store.claim("ab", 9) == ("a", "b")

"""A store's folder: made by many at once, refused where it is something else."""

import contextlib
import errno
import json
import os
import pathlib
import tempfile
import time

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.store import look_into_store, open_store, read_store
from jaxfr.store.folder import check_kind, make_folder, writer_name
from tests.store.processes import process
from tests.store.samples import fill, runs_of

pytest.importorskip("fcntl")

# Makes stores together with others, each at a moment that they agree on.
MAKER = """
import pathlib, sys, time
from jaxfr.store.store import open_store

folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
start = float(sys.stdin.readline())
for index in range(40):
    time.sleep(max(0, start + 0.01 * index - time.time()))
    with open_store(folder / str(index)) as store:
        store.append([{"run": name}])
"""

# Looks at a store that it may not write to.
READER = """
import os, pathlib, sys
from jaxfr.errors import InvalidInputError
from jaxfr.store.store import look_into_store, open_store, read_store

path = pathlib.Path(sys.argv[1])
try:
    if os.geteuid() == 0:  # root may write everywhere
        os.seteuid(65534)
except OSError:
    sys.exit("nobody else to be")
if not os.access(path, os.R_OK, effective_ids=True):
    sys.exit("no folder that others can read")
store = look_into_store(path)
print(read_store(path) == store.records(), store.is_finished("a"))
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


def open_and_close(path: pathlib.Path) -> None:
    with open_store(path):
        pass


OPENERS = (open_and_close, look_into_store, read_store)


def assert_refused(path: pathlib.Path, message: str) -> None:
    """Whoever opens the store is told so, and nothing in it changes."""
    before = sorted(path.rglob("*"))
    for called in OPENERS:
        with pytest.raises(InvalidInputError, match=message):
            called(path)
    assert sorted(path.rglob("*")) == before


def names_in(path: pathlib.Path) -> set[str]:
    return {entry.name for entry in path.iterdir()}


def test_a_store_is_a_marker_and_two_folders(tmp_path):
    path = tmp_path / "a" / "store"
    for _ in range(2):  # one that is there already stays
        make_folder(path)
        assert names_in(path) == {"store.json", "records", "claims"}
        content = (path / "store.json").read_text()
        assert json.loads(content) == {"jaxfr_result_store": 1}
    assert list(path.glob("*/*")) == []


@pytest.mark.parametrize("left", [[], ["records"], ["records", "claims", ".new-abc"]])
def test_a_store_is_completed_that_was_begun(tmp_path, left):
    for name in left:
        (tmp_path / name).mkdir()
    assert read_store(tmp_path) == []
    assert names_in(tmp_path) == set(left)
    fill(tmp_path, "a")
    assert runs_of(tmp_path) == ["a"]


def test_several_processes_make_a_store_at_once(tmp_path):
    with contextlib.ExitStack() as stack:
        makers = [
            stack.enter_context(process(MAKER, tmp_path, name))
            for name in ("one", "two", "three")
        ]
        for maker in makers:
            assert maker.stdout is not None
            assert maker.stdout.readline() == "ready\n"
        start = f"{time.time() + 0.2}\n"
        for maker in makers:
            assert maker.stdin is not None
            maker.stdin.write(start)
            maker.stdin.flush()
        for maker in makers:
            assert maker.communicate(timeout=60) == ("", "")
    assert len(names_in(tmp_path)) == 40
    for path in tmp_path.iterdir():
        assert sorted(runs_of(path)) == ["one", "three", "two"]
        assert names_in(path) == {"store.json", "records", "claims"}


def test_who_looks_while_a_store_is_made_sees_a_whole_marker(tmp_path, monkeypatch):
    write, looks = pathlib.Path.write_bytes, []

    def write_in_parts(path: pathlib.Path, content: bytes) -> int:
        for written in (b"", content[:5], content):
            write(path, written)
            looks.append(read_store(tmp_path))
        return len(content)

    monkeypatch.setattr(pathlib.Path, "write_bytes", write_in_parts)
    make_folder(tmp_path)
    assert looks == [[], [], []]
    check_kind(tmp_path)


def test_what_is_no_store_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "thesis.tex").write_text("something")
    assert_refused(tmp_path, "is not a result store, and not empty")
    assert_refused(tmp_path / "thesis.tex", str(tmp_path / "thesis.tex"))
    below = tmp_path / "thesis.tex" / "store"
    with pytest.raises(InvalidInputError, match=f"make the result store {below}: "):
        open_and_close(below)
    assert (tmp_path / "thesis.tex").read_text() == "something"


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"{}", b"[]", b"1", b"null", b'"text"', b"\xff\xfe", b"\x00" * 30),
        *(b"[" * 100_000, b'{"jaxfr_result_store": 1e999}'),
    ],
)
def test_a_damaged_marker_is_refused_until_it_is_deleted(tmp_path, content):
    fill(tmp_path, "a")
    marker = tmp_path / "store.json"
    marker.write_bytes(content)
    assert_refused(tmp_path, f"{marker} is damaged; delete it")
    assert marker.read_bytes() == content
    marker.unlink()
    assert runs_of(tmp_path) == ["a"]
    fill(tmp_path, "b")
    check_kind(tmp_path)
    assert sorted(runs_of(tmp_path)) == ["a", "b"]


def test_a_store_of_a_later_format_is_refused(tmp_path):
    fill(tmp_path, "a")
    (tmp_path / "store.json").write_text('{"jaxfr_result_store": 2, "more": []}')
    assert_refused(tmp_path, "of format 2; this jaxfr reads 1")


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
    cannot_write = f"cannot write {path}: {refused}"
    below = f"cannot make the result store {path / 'below'}: {refused}"
    assert output.splitlines() == [
        *("True True", cannot_write, below, cannot_write, cannot_write),
    ]


def test_what_cannot_be_read_is_named_and_not_taken_for_empty(tmp_path, monkeypatch):
    fill(tmp_path, "a")

    def refusing(function):
        def look(path="."):
            if pathlib.Path(os.fspath(path)).name == "records":
                raise PermissionError(errno.EACCES, "refused")
            return function(path)

        return look

    with monkeypatch.context() as patch:
        for name in ("listdir", "scandir"):
            patch.setattr(os, name, refusing(getattr(os, name)))
        for called in OPENERS:
            with pytest.raises(InvalidInputError, match=f"read {tmp_path / 'records'}"):
                called(tmp_path)
    folder = tmp_path / "records" / "folder.jsonl"
    folder.mkdir()
    assert_refused(tmp_path, f"cannot read {folder}: ")


@pytest.mark.parametrize("name", ["records/pipe.jsonl", "store.json"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    fill(tmp_path, "a")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    assert_refused(tmp_path, f"{tmp_path / name}: is no regular")


def test_names_of_writers_are_unlike_sort_by_time_and_say_where(monkeypatch):
    gmtime, names = time.gmtime, []
    for moment in (0, 9, 10, 10**9, 2 * 10**9):
        monkeypatch.setattr(time, "gmtime", lambda moment=moment: gmtime(moment))
        names += sorted(writer_name() for _ in range(20))
    assert names == sorted(set(names))
    for host, said in (("node7.cluster.org", "node7"), ("", "host")):
        monkeypatch.setattr("platform.node", lambda host=host: host)
        assert f"-{said}-{os.getpid()}-" in writer_name()

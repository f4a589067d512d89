import concurrent.futures
import errno
import os
import pathlib
import signal
import stat
import subprocess
import sys
import threading

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.files import (
    UNFINISHED_PREFIX,
    note,
    open_regular,
    replacing,
    user_errors,
    user_path,
    write_atomically,
)

OLD, NEW = b"old" * 1000, b"new" * 100_000

# Writes a file again and again, and dies on the way to its place once it is told to.
WRITER = """
import os, pathlib, signal, sys
from jaxfr.files import write_atomically

path = pathlib.Path(sys.argv[1])
if sys.argv[2] == "dies":
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
while True:
    write_atomically(path, b"new" * 100_000)
    print("written", flush=True)
"""


def test_a_note_goes_to_the_standard_error(capsys):
    note("one thing")
    note("another")
    assert capsys.readouterr() == ("", "one thing\nanother\n")


def test_a_users_path_may_begin_at_home_and_need_not_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/a/b") == tmp_path / "a" / "b"
    assert user_path("a/../b") == pathlib.Path("a/../b")
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "below"
    assert user_path(str(below)) == below


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "store=: must name a file or folder"),
        ("~nosuch/x.csv", "store=~nosuch/x.csv: there is no such home folder"),
        ("n" * 300, f"store={'n' * 300}: {os.strerror(errno.ENAMETOOLONG)}"),
        ("a\0b", r"'a\x00b': no file can have this name"),
    ],
)
def test_a_path_that_no_file_can_have_is_refused(text, named):
    with pytest.raises(InvalidInputError) as caught:
        user_path(text, "store")
    assert str(caught.value) == named


def test_without_a_home_folder_no_path_begins_there(monkeypatch):
    def unknown(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(pathlib.Path, "expanduser", unknown)
    with pytest.raises(InvalidInputError, match="'~/x': there is no such home folder"):
        user_path("~/x")


def test_only_a_regular_file_is_opened(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"content"
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", pathlib.Path(os.devnull)):
        with pytest.raises(OSError, match="is no regular file"), open_regular(path):
            pass
    with pytest.raises(IsADirectoryError), open_regular(tmp_path):
        pass


def test_what_the_system_says_becomes_a_users_error(tmp_path):
    path = tmp_path / "missing"
    with (
        pytest.raises(InvalidInputError) as caught,
        user_errors("read", path, "choose another"),
    ):
        path.read_bytes()
    expected = f"cannot read {path}: {os.strerror(errno.ENOENT)}; choose another"
    assert str(caught.value) == expected
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_without_a_hint_the_reason_comes_last(tmp_path):
    with pytest.raises(InvalidInputError) as caught, user_errors("read", tmp_path):
        raise OSError("a reason without a number")
    assert str(caught.value) == f"cannot read {tmp_path}: a reason without a number"


def test_other_errors_pass(tmp_path):
    with pytest.raises(KeyError), user_errors("read", tmp_path):
        raise KeyError("a defect")


def test_a_file_and_its_folder_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_there_is_replaced(tmp_path):
    path = tmp_path / "file"
    for content in (OLD, NEW, b""):
        write_atomically(path, content)
        assert path.read_bytes() == content


def test_a_file_can_be_read_by_whom_the_system_lets_read_others(tmp_path):
    write_atomically(tmp_path / "atomic", NEW)
    (tmp_path / "usual").write_bytes(NEW)
    usual, atomic = ((tmp_path / name).stat() for name in ("usual", "atomic"))
    assert usual.st_mode == atomic.st_mode


def test_a_file_that_cannot_be_written_is_named_with_a_hint(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "below"
    with pytest.raises(InvalidInputError, match="; choose another") as caught:
        write_atomically(path, NEW, "choose another")
    assert str(caught.value).startswith(f"cannot write {path}: ")


def test_a_folder_is_not_replaced(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "inside").touch()
    with pytest.raises(InvalidInputError, match="cannot write"):
        write_atomically(folder, NEW)
    assert list(tmp_path.rglob("*")) == [folder, folder / "inside"]


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt])
def test_what_fails_on_the_way_leaves_the_old_file_and_nothing_else(
    tmp_path, monkeypatch, failure
):
    path = tmp_path / "file"
    write_atomically(path, OLD)
    write = pathlib.Path.write_bytes

    def write_half(to: pathlib.Path, content: bytes) -> None:
        write(to, content[: len(content) // 2])
        raise failure

    monkeypatch.setattr(pathlib.Path, "write_bytes", write_half)
    with pytest.raises((InvalidInputError, KeyboardInterrupt)):
        write_atomically(path, NEW)
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_dies_before_the_move_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, OLD)
    command = [sys.executable, "-c", WRITER, str(path), "dies"]
    finished = subprocess.run(command, capture_output=True)
    assert finished.returncode == -signal.SIGKILL
    assert path.read_bytes() == OLD
    # What it left is recognised by its name.
    (left,) = set(tmp_path.iterdir()) - {path}
    assert left.name.startswith(UNFINISHED_PREFIX)
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW


def test_a_writer_that_is_killed_at_any_moment_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    for delay in (0.0, 0.001, 0.002, 0.003, 0.005):
        write_atomically(path, OLD)
        command = [sys.executable, "-c", WRITER, str(path), "lives"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            threading.Event().wait(delay)
            os.kill(writer.pid, signal.SIGKILL)
        assert path.read_bytes() == NEW


def test_readers_see_one_whole_content_while_many_write(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([index]) * (100_000 + index) for index in range(8)]
    write_atomically(path, contents[0])
    done = threading.Event()

    def write(content: bytes) -> None:
        for _ in range(10):
            write_atomically(path, content)

    def read() -> set[bytes]:
        seen = {path.read_bytes()}
        while not done.is_set():
            seen.add(path.read_bytes())
        return seen

    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        reader = pool.submit(read)
        try:
            list(pool.map(write, contents))
        finally:
            done.set()
    assert reader.result() <= set(contents)
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_stays_as_it_was_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(OLD)
    with replacing(path) as unfinished:
        assert unfinished.name == path.name
        unfinished.write_bytes(NEW)
        assert path.read_bytes() == OLD
    assert path.read_bytes() == NEW
    assert list(tmp_path.iterdir()) == [path]


def test_a_durable_file_is_on_the_disk_before_it_is_in_its_place(tmp_path, monkeypatch):
    path, order = tmp_path / "file", []
    sync, move = os.fsync, os.replace

    def note_sync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        order.append("folder" if stat.S_ISDIR(status.st_mode) else status.st_size)
        sync(descriptor)

    def note_move(old: pathlib.Path, new: pathlib.Path) -> None:
        order.append("move")
        move(old, new)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_move)
    with replacing(path, durable=True) as unfinished:
        unfinished.write_bytes(NEW)
    assert order == [len(NEW), "move", "folder"]
    assert path.read_bytes() == NEW
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (OSError(errno.ENOSPC, "full"), "cannot write {path}: full; choose another"),
        (InvalidInputError("not to be drawn"), "not to be drawn"),
        (UnicodeError("not text"), "not text"),
        (KeyboardInterrupt("enough"), "enough"),
    ],
)
def test_what_is_raised_on_the_way_moves_nothing_and_leaves_nothing(
    tmp_path, there, failure, told
):
    path = tmp_path / "file"
    if there:
        path.write_bytes(OLD)

    def write_and_fail() -> None:
        with replacing(path, "choose another") as unfinished:
            unfinished.write_bytes(NEW)
            raise failure

    kind = InvalidInputError if isinstance(failure, OSError) else type(failure)
    with pytest.raises(kind) as caught:
        write_and_fail()
    assert str(caught.value) == told.format(path=path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [OLD] * there


def test_a_file_that_was_not_written_replaces_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    with pytest.raises(InvalidInputError, match="cannot write"), replacing(path):
        pass
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


def test_the_folder_of_a_file_that_is_replaced_is_not_made(tmp_path):
    path = tmp_path / "missing" / "file"
    with pytest.raises(InvalidInputError) as caught, replacing(path):
        raise AssertionError("there is nowhere to write to")
    assert str(caught.value) == f"cannot write {path}: {os.strerror(errno.ENOENT)}"
    assert list(tmp_path.iterdir()) == []

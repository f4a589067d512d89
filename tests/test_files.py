"""Files appear whole or not at all, and what goes wrong is told in the user's words."""

import errno
import os
import pathlib
import signal
import stat
import sys

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.files import (
    UNFINISHED_PREFIX,
    open_regular,
    replacing,
    user_errors,
    user_path,
    write_atomically,
)
from tests.programs.programs import run

OLD, NEW = b"old" * 1000, b"new" * 100_000


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


def test_what_the_system_says_becomes_a_users_error_and_nothing_else_does(tmp_path):
    path = tmp_path / "missing"
    for error, hint, told in (
        (OSError(errno.ENOENT, "gone"), "take x", f"cannot read {path}: gone; take x"),
        (OSError("a reason"), "", f"cannot read {path}: a reason"),
    ):
        with (
            pytest.raises(InvalidInputError) as caught,
            user_errors("read", path, hint),
        ):
            raise error
        assert str(caught.value) == told
        assert caught.value.__suppress_context__
    with pytest.raises(KeyError), user_errors("read", path):
        raise KeyError("a defect")


def test_a_file_and_its_folder_are_made_and_replaced(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    for content in (OLD, NEW, b""):
        write_atomically(path, content)
        assert path.read_bytes() == content
        assert list(path.parent.iterdir()) == [path]
    # Whom the system lets read others.
    (tmp_path / "usual").touch()
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_what_cannot_be_written_is_named_with_a_hint_and_stays(tmp_path):
    inside = tmp_path / "folder" / "inside"
    write_atomically(inside, OLD)
    for path in (inside.parent, inside / "below"):
        with pytest.raises(InvalidInputError, match="; choose another") as caught:
            write_atomically(path, NEW, "choose another")
        assert str(caught.value).startswith(f"cannot write {path}: ")
    assert list(tmp_path.rglob("*")) == [inside.parent, inside]
    assert inside.read_bytes() == OLD


def die_before_the_move() -> None:
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    write_atomically(pathlib.Path(sys.argv[1]), NEW)


def test_a_writer_that_dies_before_the_move_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, OLD)
    assert run(str(path), program=die_before_the_move).returncode == -signal.SIGKILL
    assert path.read_bytes() == OLD
    # What it left is recognised by its name.
    (left,) = set(tmp_path.iterdir()) - {path}
    assert left.name.startswith(UNFINISHED_PREFIX)
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_complete_and_if_durable_on_the_disk_before_it_is_in_its_place(
    tmp_path, monkeypatch, durable
):
    path, order = tmp_path / "picture.png", []
    path.write_bytes(OLD)
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
    with replacing(path, durable=durable) as unfinished:
        assert unfinished.name == path.name
        unfinished.write_bytes(NEW)
        assert path.read_bytes() == OLD
    assert order == ([len(NEW), "move", "folder"] if durable else ["move"])
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
        (None, "cannot write {path}: No such file or directory; choose another"),
    ],
)
def test_what_is_raised_or_not_written_moves_nothing_and_leaves_nothing(
    tmp_path, there, failure, told
):
    path = tmp_path / "file"
    if there:
        path.write_bytes(OLD)

    def write_and_fail() -> None:
        with replacing(path, "choose another") as unfinished:
            if failure is not None:
                unfinished.write_bytes(NEW)
                raise failure

    kind = type(failure)
    if failure is None or isinstance(failure, OSError):
        kind = InvalidInputError
    with pytest.raises(kind) as caught:
        write_and_fail()
    assert str(caught.value) == told.format(path=path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [OLD] * there


def test_the_folder_of_a_file_that_is_replaced_is_not_made(tmp_path):
    path = tmp_path / "missing" / "file"
    with pytest.raises(InvalidInputError) as caught, replacing(path):
        raise AssertionError("there is nowhere to write to")
    assert str(caught.value) == f"cannot write {path}: {os.strerror(errno.ENOENT)}"
    assert list(tmp_path.iterdir()) == []

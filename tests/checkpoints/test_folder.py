"""Checkpoints by round: which one counts, whatever became of their writers."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.checkpoints.folder import (
    newest_whole,
    process_files,
    prune,
    read_checkpoint,
    remove_newer,
    write_checkpoint,
)
from jaxfr.errors import InvalidInputError
from jaxfr.files import UNFINISHED_PREFIX

# Writes checkpoints, and dies with the third all but in its place.
WRITER = """
import os, pathlib, signal, sys
import jax.numpy as jnp
from jaxfr.checkpoints.folder import write_checkpoint

move, moves = os.replace, []

def move_or_die(*paths):
    moves.append(paths)
    if len(moves) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    move(*paths)

os.replace = move_or_die
for number in (10, 20, 30):
    write_checkpoint(pathlib.Path(sys.argv[1]), number, {"x": jnp.float32(number)})
"""


def tree(number: float) -> dict[str, jax.Array]:
    return {"x": jnp.float32(number)}


def rounds(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def no_word(line: str) -> None:
    raise AssertionError(line)


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    folder = tmp_path / "work"
    for number in (5, 120, 1_000_000):
        write_checkpoint(folder, number, tree(number))
    return folder


@pytest.fixture
def as_process(monkeypatch) -> Callable[[int, int], None]:
    """Takes this process for one of several."""

    def become(index: int, count: int) -> None:
        monkeypatch.setattr(jax, "process_index", lambda: index)
        monkeypatch.setattr(jax, "process_count", lambda: count)

    return become


def test_files_are_named_after_round_and_process(folder):
    assert rounds(folder) == ["round_000005", "round_000120", "round_1000000"]
    for place in folder.iterdir():
        assert [path.name for path in place.iterdir()] == ["process_0_of_1.npz"]


def test_the_newest_is_found_and_read(folder):
    assert newest_whole(folder, no_word) == 1_000_000
    assert read_checkpoint(folder, 1_000_000, tree(0)) == tree(1_000_000)
    assert read_checkpoint(folder, 5, tree(0)) == tree(5)


def test_nothing_is_found_where_nothing_is(tmp_path):
    assert newest_whole(tmp_path / "missing", no_word) is None
    (tmp_path / "round_12").mkdir()
    (tmp_path / "rounds.txt").touch()
    assert newest_whole(tmp_path, no_word) is None


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "is damaged"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: path.unlink(), "was not written to its end"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
    ],
)
def test_a_damaged_one_is_told_of_and_the_one_before_it_used(folder, damage, named):
    told: list[str] = []
    damage(folder / "round_1000000" / "process_0_of_1.npz")
    assert newest_whole(folder, told.append) == 120
    (line,) = told
    assert str(folder / "round_1000000") in line
    assert named in line
    damage(folder / "round_000120" / "process_0_of_1.npz")
    damage(folder / "round_000005" / "process_0_of_1.npz")
    assert newest_whole(folder, told.append) is None


def test_a_pipe_is_no_checkpoint(folder):
    told: list[str] = []
    path = folder / "round_1000000" / "process_0_of_1.npz"
    path.unlink()
    os.mkfifo(path)
    assert newest_whole(folder, told.append) == 120
    assert "cannot be read, is no regular file" in told[0]


@pytest.mark.parametrize("source", ["work/round_000120", "other/round_1000000"])
def test_a_copy_of_another_checkpoint_is_told_of_and_the_one_before_it_used(
    folder, source
):
    told: list[str] = []
    write_checkpoint(folder.parent / "other", 1_000_000, tree(1))
    shutil.copy(folder.parent / source / "process_0_of_1.npz", folder / "round_1000000")
    assert newest_whole(folder, told.append) == 120
    (line,) = told
    assert str(folder / "round_1000000") in line
    assert "was written for other work, another round or process" in line


def test_a_checkpoint_of_another_format_is_told_of(folder, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr("jaxfr.checkpoints.arrays.FORMAT", 1)
    write_checkpoint(folder, 2_000_000, tree(0))
    monkeypatch.undo()
    assert newest_whole(folder, told.append) == 1_000_000
    assert "of format 1; this jaxfr reads 2" in told[0]


def test_what_is_newer_than_the_usable_one_goes(folder):
    remove_newer(folder, 120)
    assert rounds(folder) == ["round_000005", "round_000120"]
    assert newest_whole(folder, no_word) == 120
    remove_newer(folder, None)
    assert rounds(folder) == []


def test_a_writer_that_dies_leaves_the_one_before_and_its_litter_is_removed(tmp_path):
    folder, told = tmp_path / "work", []
    command = [sys.executable, "-c", WRITER, str(folder)]
    died = subprocess.run(command, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    (left,) = (folder / "round_000030").iterdir()
    assert left.name.startswith(UNFINISHED_PREFIX)
    assert newest_whole(folder, told.append) == 20
    assert "was not written to its end" in told[0]
    # What a writer left of a round that another one wrote later.
    (folder / "round_000020" / f"{UNFINISHED_PREFIX}abc").mkdir()
    remove_newer(folder, 20)
    assert rounds(folder) == ["round_000010", "round_000020"]
    for place in folder.iterdir():
        assert [path.name for path in place.iterdir()] == process_files()


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (1, ["round_1000000"]),
        (2, ["round_000120", "round_1000000"]),
        (3, ["round_000005", "round_000120", "round_1000000"]),
        (4, ["round_000005", "round_000120", "round_1000000"]),
    ],
)
def test_the_newest_are_kept(folder, keep, left):
    prune(folder, keep)
    assert rounds(folder) == left


def test_one_that_is_not_complete_does_not_count_among_those_kept(folder):
    (folder / "round_2000000").mkdir()
    (folder / "round_000120" / "process_0_of_1.npz").unlink()
    prune(folder, 1)
    assert rounds(folder) == ["round_1000000", "round_2000000"]


def test_a_checkpoint_counts_with_the_files_of_all_processes(tmp_path, as_process):
    for index in (0, 1):
        as_process(index, 2)
        write_checkpoint(tmp_path, 10, tree(index))
    as_process(0, 2)
    write_checkpoint(tmp_path, 20, tree(0))
    for index in (0, 1):
        as_process(index, 2)
        told: list[str] = []
        assert newest_whole(tmp_path, told.append) == 10
        assert "process_1_of_2.npz was not written to its end" in told[0]
        assert read_checkpoint(tmp_path, 10, tree(7)) == tree(index)
    # The one that is being written is neither counted nor removed.
    prune(tmp_path, 1)
    assert rounds(tmp_path) == ["round_000010", "round_000020"]
    write_checkpoint(tmp_path, 20, tree(1))
    assert newest_whole(tmp_path, no_word) == 20
    # One process's file in the place of the other's.
    first, second = (tmp_path / "round_000020" / name for name in process_files())
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    assert newest_whole(tmp_path, told.append) == 10
    first.write_bytes(content)
    damaged = tmp_path / "round_000020" / "process_0_of_2.npz"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert newest_whole(tmp_path, told.append) == 10


def test_checkpoints_of_another_number_of_processes_do_not_count(folder, as_process):
    as_process(0, 2)
    assert newest_whole(folder, lambda line: None) is None


def test_a_checkpoint_is_written_anew_over_a_damaged_one(folder):
    path = folder / "round_1000000" / "process_0_of_1.npz"
    path.write_bytes(b"")
    write_checkpoint(folder, 1_000_000, tree(3))
    assert newest_whole(folder, no_word) == 1_000_000
    found = read_checkpoint(folder, 1_000_000, tree(0))
    np.testing.assert_array_equal(found["x"], 3)


def test_what_cannot_be_written_leaves_nothing(folder, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("jaxfr.checkpoints.folder.write_arrays", full)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        write_checkpoint(folder, 120, tree(4))
    assert newest_whole(folder, no_word) == 1_000_000
    assert read_checkpoint(folder, 120, tree(0)) == tree(120)
    assert len(list((folder / "round_000120").iterdir())) == 1

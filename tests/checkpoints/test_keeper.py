"""Checkpoints by round: which one counts, whatever became of their writers."""

import os
import pathlib
import shutil
import signal
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import multihost_utils

from jaxfr.checkpoints import CheckpointKeeper, CheckpointOptions, prepare_directory
from jaxfr.checkpoints import keeper as keeper_module
from jaxfr.errors import InvalidInputError
from jaxfr.files import UNFINISHED_PREFIX
from tests.store.processes import process

FILE = "process_0_of_1.npz"
# Writes checkpoints, and dies with the third all but in its place.
WRITER = """
import os, pathlib, signal, sys
import jax.numpy as jnp
from jaxfr.checkpoints import CheckpointKeeper, CheckpointOptions

move, moves = os.replace, []

def move_or_die(*paths):
    moves.append(paths)
    if len(moves) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    move(*paths)

os.replace = move_or_die
keeper = CheckpointKeeper(CheckpointOptions(pathlib.Path(sys.argv[1]), keep=9), "work")
for number in (1, 2, 3):
    keeper.save(number, {"x": jnp.full((number,), number)})
"""


class Kept(NamedTuple):
    keeper: CheckpointKeeper
    folder: pathlib.Path
    told: list[str]
    clock: list[float]

    def restored(self) -> int | None:
        """The round that is gone on from, with the numbers that were saved after it."""
        found = self.keeper.restore(lambda done: {"x": jnp.zeros(done, int)})
        if found is None:
            return None
        np.testing.assert_array_equal(found[1]["x"], found[0])
        return found[0]

    def rounds(self) -> list[int]:
        return sorted(int(path.name[6:]) for path in self.folder.iterdir())

    def file(self, finished: int, name: str = FILE) -> pathlib.Path:
        return self.folder / f"round_{finished:06d}" / name


def kept(
    directory: pathlib.Path, *saved: int, identity: str = "work", keep: int = 9
) -> Kept:
    """A keeper, after it saved what belongs to these rounds; its clock is a number."""
    clock, told = [0.0], []
    options = CheckpointOptions(directory, 60.0, keep)
    keeper = CheckpointKeeper(options, identity, told.append, lambda: clock[0])
    for finished in saved:
        keeper.save(finished, at(finished))
    return Kept(keeper, directory / identity, told, clock)


def at(finished: int) -> dict[str, jax.Array]:
    return {"x": jnp.full((finished,), finished)}


@pytest.fixture
def as_process(monkeypatch) -> Callable[[int, int], None]:
    """Takes this process for one of several, which see the same checkpoints."""

    def become(index: int, count: int) -> None:
        monkeypatch.setattr(jax, "process_index", lambda: index)
        monkeypatch.setattr(jax, "process_count", lambda: count)

    monkeypatch.setattr(
        multihost_utils, "process_allgather", lambda found: np.array([found, found])
    )
    return become


def test_the_newest_is_gone_on_from_and_files_are_named_after_it(tmp_path):
    assert kept(tmp_path).restored() is None
    work = kept(tmp_path, 5, 120, 1_000_000)
    assert work.restored() == 1_000_000
    assert work.told == [
        f"jaxfr: 1000000 rounds are finished already, by {work.file(1_000_000).parent}"
    ]
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.npz")}
    assert names == {
        f"work/round_{finished}/{FILE}" for finished in ("000005", "000120", "1000000")
    }


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "is damaged"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: path.unlink(), "was not written to its end"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "is no regular file"),
    ],
)
def test_a_damaged_one_is_told_of_and_removed_and_the_one_before_it_used(
    tmp_path, damage, named
):
    work = kept(tmp_path, 1, 2, 3)
    damage(work.file(3))
    (work.folder / "round_12").mkdir()
    (work.folder / "rounds.txt").touch()
    assert work.restored() == 2
    assert str(work.file(3).parent) in work.told[0]
    assert named in work.told[0]
    assert not work.file(3).parent.exists()
    for finished in (1, 2):
        damage(work.file(finished))
    assert work.restored() is None
    # One that is damaged must not push out a whole one.
    again = kept(tmp_path, 3, keep=1)
    assert again.restored() == 3


@pytest.mark.parametrize("source", ["work/round_000002", "other/round_000003"])
def test_a_copy_of_another_checkpoint_counts_for_nothing(tmp_path, source):
    work, _ = kept(tmp_path, 2, 3), kept(tmp_path, 3, identity="other")
    shutil.copy(tmp_path / source / FILE, work.file(3))
    assert work.restored() == 2
    assert "was written for other work, another round or process" in work.told[0]


def test_work_of_another_identity_is_left_alone(tmp_path):
    work, other = kept(tmp_path, 2), kept(tmp_path, identity="other")
    assert other.restored() is None
    other.keeper.save(1, at(1))
    other.keeper.remove()
    other.keeper.remove()
    assert not other.folder.exists()
    assert work.restored() == 2


def test_a_checkpoint_of_another_format_is_told_of(tmp_path, monkeypatch):
    work = kept(tmp_path, 2)
    monkeypatch.setattr("jaxfr.checkpoints.arrays.FORMAT", 1)
    work.keeper.save(3, at(3))
    monkeypatch.undo()
    assert work.restored() == 2
    assert "of format 1; this jaxfr reads 2" in work.told[0]


def test_a_writer_that_dies_leaves_the_one_before_and_its_litter_is_removed(tmp_path):
    with process(WRITER, tmp_path) as writer:
        assert writer.wait(60) == -signal.SIGKILL
    work = kept(tmp_path)
    (left,) = work.file(3).parent.iterdir()
    assert left.name.startswith(UNFINISHED_PREFIX)
    # What a writer left of a round that another one wrote later.
    (work.file(2).parent / f"{UNFINISHED_PREFIX}abc").mkdir()
    assert work.restored() == 2
    assert "was not written to its end" in work.told[0]
    assert work.rounds() == [1, 2]
    assert [path.name for path in work.file(2).parent.iterdir()] == [FILE]


@pytest.mark.parametrize("keep", [1, 2, 3, 4])
def test_the_newest_complete_ones_are_kept(tmp_path, keep):
    work = kept(tmp_path, 1, 2, 3, keep=keep)
    assert work.rounds() == [1, 2, 3][-keep:]
    # One that other processes are still writing neither counts nor goes.
    work.file(5).parent.mkdir()
    work.keeper.save(4, at(4))
    assert work.rounds() == [*[1, 2, 3, 4][-keep:], 5]


def test_it_is_due_after_so_many_seconds_from_the_last(tmp_path):
    work = kept(tmp_path)
    for now, due in ((0, False), (59, False), (60, True), (61, True)):
        work.clock[0] = now
        assert work.keeper.due() is due
    work.keeper.save(1, at(1))
    assert not work.keeper.due()
    work.clock[0] = 121
    assert work.keeper.due()
    always = CheckpointKeeper(CheckpointOptions(tmp_path, seconds=0.0), "always")
    assert always.due()


def test_what_cannot_be_written_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    work = kept(tmp_path, 1, 2)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keeper_module, "write_arrays", full)
    for finished in (2, 3):
        work.keeper.save(finished, at(9))
        assert "No space left on device" in work.told.pop()
    assert [path.name for path in work.file(2).parent.iterdir()] == [FILE]
    monkeypatch.undo()
    assert work.restored() == 2
    work.file(2).write_bytes(b"")
    work.keeper.save(2, at(2))  # anew, over a damaged one
    assert work.restored() == 2


def test_a_checkpoint_counts_with_the_files_of_all_processes(tmp_path, as_process):
    work = kept(tmp_path, keep=1)

    def save(finished: int, *processes: int) -> None:
        for index in processes:
            as_process(index, 2)
            work.keeper.save(finished, at(finished))

    save(1, 0, 1)
    save(2, 0)
    assert work.rounds() == [1, 2]  # the second is being written
    as_process(1, 2)
    assert work.restored() == 1
    assert "process_1_of_2.npz was not written to its end" in work.told[0]
    assert work.rounds() == [1, 2]  # only the first process removes
    save(2, 1)
    assert work.restored() == 2
    first, second = (work.file(2, f"process_{index}_of_2.npz") for index in (0, 1))
    content = first.read_bytes()
    for wrong in (second.read_bytes(), content[:-1]):
        first.write_bytes(wrong)
        assert work.restored() == 1
    first.write_bytes(content)
    as_process(0, 1)  # of another number of processes none counts
    assert work.restored() is None


def test_processes_go_by_the_clock_of_the_first(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        keeper_module, "agree", lambda own: asked.append(int(own())) or True
    )
    assert kept(tmp_path).keeper.due() is True
    assert asked == [0]


def test_processes_that_see_different_checkpoints_are_stopped(
    tmp_path, as_process, monkeypatch
):
    as_process(0, 2)
    monkeypatch.setattr(
        multihost_utils, "process_allgather", lambda found: np.array([4, found])
    )
    with pytest.raises(InvalidInputError, match=r"\[4, -1\].*share one folder"):
        kept(tmp_path).restored()


def test_only_the_first_process_removes_once_all_have_written(
    tmp_path, as_process, monkeypatch
):
    waited: list[str] = []
    monkeypatch.setattr(multihost_utils, "sync_global_devices", waited.append)
    work = kept(tmp_path, 1)
    for index, left in ((1, True), (0, False)):
        as_process(index, 2)
        work.keeper.remove()
        assert work.folder.exists() is left
    assert len(waited) == 2


def test_the_directory_is_made_or_refused_at_once(tmp_path):
    for _ in range(2):
        prepare_directory(CheckpointOptions(tmp_path / "a" / "b"))
    assert list((tmp_path / "a" / "b").iterdir()) == []
    for options, named in (
        (CheckpointOptions(tmp_path / "new", keep=0), "keep=0"),
        (CheckpointOptions(tmp_path / "new", seconds=-1.0), r"seconds=-1\.0"),
        (CheckpointOptions(tmp_path / "new", seconds=float("nan")), "seconds=nan"),
    ):
        with pytest.raises(InvalidInputError, match=named):
            prepare_directory(options)
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match="cannot keep checkpoints in"):
        prepare_directory(CheckpointOptions(tmp_path / "file" / "below"))

import pathlib
import shutil
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import multihost_utils

from jaxfr.checkpoints import (
    CheckpointKeeper,
    CheckpointSettings,
    prepare_directory,
)
from jaxfr.checkpoints import keeper as keeper_module
from jaxfr.errors import InvalidInputError


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Kept(NamedTuple):
    keeper: CheckpointKeeper
    folder: pathlib.Path
    clock: HandClock
    told: list[str]


def kept(directory: pathlib.Path, identity: str = "work", **changes) -> Kept:
    settings = CheckpointSettings(directory, seconds=60.0)._replace(**changes)
    clock, told = HandClock(), []
    keeper = CheckpointKeeper(settings, identity, told.append, clock)
    return Kept(keeper, directory / identity, clock, told)


def at(finished: int) -> dict[str, jax.Array]:
    return {"x": jnp.full((finished,), finished)}


def test_the_newest_is_restored_by_a_template_of_its_round(tmp_path):
    assert kept(tmp_path).keeper.restore(at) is None
    keeper = kept(tmp_path).keeper
    for finished in (2, 3):
        keeper.save(finished, at(finished))
    again = kept(tmp_path)
    found = again.keeper.restore(lambda finished: {"x": jnp.zeros(finished, int)})
    assert found is not None
    assert found[0] == 3
    np.testing.assert_array_equal(found[1]["x"], [3, 3, 3])
    assert again.told == [
        f"jaxfr: 3 rounds are finished already, by {tmp_path / 'work' / 'round_000003'}"
    ]


def test_work_of_another_identity_is_left_alone(tmp_path):
    kept(tmp_path, "work").keeper.save(2, at(2))
    other = kept(tmp_path, "other")
    assert other.keeper.restore(at) is None
    other.keeper.save(1, at(1))
    other.keeper.remove()
    assert not other.folder.exists()
    assert kept(tmp_path, "work").keeper.restore(at) is not None


def test_what_was_copied_from_other_work_is_told_of_and_not_used(tmp_path):
    kept(tmp_path, "other").keeper.save(2, at(2))
    shutil.copytree(tmp_path / "other", tmp_path / "work")
    keeper, folder, _, told = kept(tmp_path, "work")
    assert keeper.restore(at) is None
    (line,) = told
    assert f"{folder / 'round_000002'} counts for nothing" in line
    assert "other work" in line


def test_a_damaged_one_is_removed_lest_it_push_out_a_whole_one(tmp_path):
    keeper, folder, _, told = kept(tmp_path, keep=1)
    for finished in (1, 2):
        keeper.save(finished, at(finished))
    (folder / "round_000002").rename(folder / "round_000009")
    (folder / "round_000009" / "process_0_of_1.npz").write_bytes(b"damaged")
    assert keeper.restore(at) is None
    assert len(told) == 1
    keeper.save(3, at(3))
    assert [path.name for path in folder.iterdir()] == ["round_000003"]
    assert keeper.restore(at) is not None


def test_so_many_are_kept(tmp_path):
    keeper, folder, _, _ = kept(tmp_path, keep=2)
    for finished in range(1, 6):
        keeper.save(finished, at(finished))
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["round_000004", "round_000005"]
    keeper.remove()
    assert not folder.exists()
    keeper.remove()


def test_it_is_due_after_so_many_seconds(tmp_path):
    keeper, _, clock, _ = kept(tmp_path)
    for now, due in ((0, False), (59, False), (60, True), (61, True)):
        clock.now = now
        assert keeper.due() is due
    keeper.save(1, at(1))
    assert not keeper.due()
    clock.now = 121
    assert keeper.due()


def test_without_seconds_it_is_always_due(tmp_path):
    keeper = kept(tmp_path, seconds=0.0).keeper
    assert keeper.due()
    keeper.save(1, at(1))
    assert keeper.due()


def test_what_cannot_be_written_is_told_and_the_one_before_it_stays(
    tmp_path, monkeypatch
):
    keeper, _, _, told = kept(tmp_path, keep=1)
    keeper.save(1, at(1))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jaxfr.checkpoints.folder.write_arrays", full)
    keeper.save(2, at(2))
    (line,) = told
    assert "No space left on device" in line
    found = kept(tmp_path).keeper.restore(at)
    assert found is not None
    assert found[0] == 1


def test_processes_save_when_the_clock_of_the_first_says_so(tmp_path, monkeypatch):
    asked = []

    def of_the_first(own):
        asked.append(int(own()))
        return True

    monkeypatch.setattr(keeper_module, "agree", of_the_first)
    keeper = kept(tmp_path).keeper
    assert keeper.due() is True
    assert asked == [0]


def test_processes_that_see_different_checkpoints_are_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(
        multihost_utils, "process_allgather", lambda found: np.array([4, found])
    )
    with pytest.raises(InvalidInputError, match=r"\[4, -1\].*share one folder"):
        kept(tmp_path).keeper.restore(at)


def test_only_the_first_process_removes_once_all_have_written(tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(multihost_utils, "sync_global_devices", waited.append)
    kept(tmp_path).keeper.save(1, at(1))
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    keeper, folder, _, _ = kept(tmp_path)
    keeper.remove()
    assert folder.exists()
    monkeypatch.setattr(jax, "process_index", lambda: 0)
    keeper.remove()
    assert not folder.exists()
    assert len(waited) == 2


def test_the_directory_is_made(tmp_path):
    settings = CheckpointSettings(tmp_path / "a" / "b")
    prepare_directory(settings)
    prepare_directory(settings)
    assert list(settings.directory.iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"keep": 0}, "keep=0"),
        ({"seconds": -1.0}, "seconds=-1.0"),
        ({"seconds": float("nan")}, "seconds=nan"),
    ],
)
def test_numbers_without_a_meaning_are_refused(tmp_path, changed, named):
    settings = CheckpointSettings(tmp_path / "new")._replace(**changed)
    with pytest.raises(InvalidInputError, match=named):
        prepare_directory(settings)
    assert not (tmp_path / "new").exists()


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match="cannot keep checkpoints in"):
        prepare_directory(CheckpointSettings(tmp_path / "file" / "below"))

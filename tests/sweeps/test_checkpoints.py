"""Sweeps that are stopped inside a batch, and which checkpoints are theirs."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import jax
import pytest

from jaxfr.checkpoints import CheckpointOptions
from jaxfr.errors import InvalidInputError
from jaxfr.store import open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.group import GroupCompiler, GroupProgram, batch_identity
from jaxfr.sweeps.plan import Plan, plan_runs
from jaxfr.sweeps.work import Watcher, run_plan
from tests.sweeps.problem import changed

SWEEP = [changed(seed=seed, rounds=9, attack="spattack_o_d") for seed in range(3)]
INCIDENTAL = ("seconds", "finished")


class StoppedError(Exception):
    pass


@pytest.fixture(autouse=True, scope="module")
def _short_calls() -> Iterator[None]:
    """Of two rounds, so that there is something between start and end."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("jaxfr.training.compiled.PAIRS_PER_CALL", 1500)
        yield


def finish(
    plan: Plan,
    store_path: pathlib.Path,
    checkpoints: CheckpointOptions | None,
    stop_after: int = 1000,
    devices: int = 2,
) -> tuple[list[dict], list[int], list[str]]:
    """Runs a plan until so many calls are done; records, rounds and words told."""
    told: list[int] = []
    said: list[str] = []

    def tell_or_stop(finished: int) -> None:
        told.append(finished)
        if len(told) == stop_after:
            raise StoppedError

    options = ExecutionOptions(devices, checkpoints=checkpoints)
    watcher = Watcher(rounds=tell_or_stop, found_rounds=tell_or_stop, say=said.append)
    with open_store(store_path) as store:
        try:
            for _ in run_plan(plan, store, options, watcher):
                pass
        except StoppedError:
            pass
        records = [
            {name: record[name] for name in record if name not in INCIDENTAL}
            for record in store.records()
        ]
    return records, told, said


def test_a_sweep_stopped_inside_a_batch_goes_on_there_and_ends_the_same(tmp_path):
    """Three runs, two at once: the second batch has room for one more."""
    plan = plan_runs(SWEEP)
    expected, _, _ = finish(plan, tmp_path / "undisturbed", None)
    settings = CheckpointOptions(tmp_path / "checkpoints", seconds=0.0)
    store, lives, records = tmp_path / "store", [], []
    while len(records) < len(SWEEP):
        # The last call of each life is lost.
        records, told, said = finish(plan, store, settings, stop_after=4)
        lives.append((told, len(said)))
    # Rounds -1 to 8, two in a call, first of two runs and then of the third.
    assert lives == [
        ([2, 4, 4, 4], 0),
        ([10, 4, 4, 1], 1),
        ([18, 1, 2, 2], 0),
        ([18, 3, 2, 2], 1),
        ([18, 5, 2, 2], 1),
        ([18, 7, 2], 1),
    ]
    assert records == expected
    assert list(settings.directory.iterdir()) == []


def test_checkpoints_stay_until_the_runs_are_taken(tmp_path):
    settings = CheckpointOptions(tmp_path / "checkpoints", seconds=0.0)
    with open_store(tmp_path / "store") as store:
        running = run_plan(
            plan_runs(SWEEP[:1]), store, ExecutionOptions(1, checkpoints=settings)
        )
        next(running)
        (left,) = settings.directory.iterdir()
        assert [path.name for path in sorted(left.iterdir())] == [
            "round_000005",
            "round_000007",
        ]
        assert list(running) == []
    assert list(settings.directory.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "file").touch()
    settings = CheckpointOptions(tmp_path / "file" / "below")
    with (
        open_store(tmp_path / "store") as store,
        pytest.raises(InvalidInputError, match="cannot keep checkpoints in"),
    ):
        next(
            run_plan(
                plan_runs(SWEEP[:1]), store, ExecutionOptions(1, checkpoints=settings)
            )
        )


@pytest.fixture(scope="module")
def program() -> GroupProgram:
    plan = plan_runs(SWEEP)
    return GroupCompiler(plan.sources, ExecutionOptions(1)).compile(plan.groups[0])


def test_an_identity_names_the_runs_in_their_order(program):
    first, second, third = program.group.runs
    batches = [(first,), (second,), (first, second), (second, first), (first, third)]
    identities = {batch_identity(program, batch) for batch in batches}
    assert len(identities) == len(batches)
    assert batch_identity(program, [first, second]) in identities
    assert all(len(identity) == 32 for identity in identities)


def test_what_decides_bits_makes_another_identity(program, monkeypatch):
    def identity(**changed: Any) -> str:
        return batch_identity(program._replace(**changed), program.group.runs)

    group, compiled, execution = program.group, program.compiled, program.execution
    found = [
        identity(),
        identity(group=dataclasses.replace(group, malicious_clients=9)),
        identity(compiled=compiled._replace(rounds_per_call=77)),
        identity(execution=execution._replace(spread=2)),
        identity(execution=execution._replace(runs=9)),
        identity(more_room=True),
    ]
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    found.append(identity())
    monkeypatch.undo()
    monkeypatch.setattr("jaxfr.sweeps.group.device_name", lambda: "other")
    found.append(identity())
    assert len(set(found)) == len(found)
    monkeypatch.undo()
    assert identity() == found[0]

"""Plans run into stores: nothing is lost, done twice, or dependent on company."""

import contextlib
import threading
import time

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.records.contents import lack_of_record
from jaxfr.store import Store, open_store
from jaxfr.store.plans import read_plans
from jaxfr.store.status import status_of
from jaxfr.sweeps import work
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.group import GroupCompiler
from jaxfr.sweeps.plan import Plan, RunGroup, plan_runs, take_shard
from jaxfr.sweeps.request import RunRequest
from jaxfr.sweeps.work import Watcher, run_plan
from tests.sweeps.problem import changed

# What a run decides; the rest of its record tells of the machine and the moment.
INCIDENTAL = ("seconds", "finished", "num_devices", "runs_at_once")
SWEEP = [changed(learning_rate=rate, seed=s) for rate in (0.1, 0.3) for s in range(3)]


TWO = ExecutionOptions(devices=2)


def run_all(plan: Plan, store: Store, **options) -> list[str]:
    return [done.planned.identity for done in run_plan(plan, store, TWO, **options)]


def outcomes(store: Store) -> dict[str, dict]:
    return {
        record["run"]: {
            name: value for name, value in record.items() if name not in INCIDENTAL
        }
        for record in store.records()
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, dict]:
    with open_store(tmp_path_factory.mktemp("undisturbed")) as store:
        run_all(plan_runs(SWEEP), store)
        return outcomes(store)


def test_a_store_holds_one_record_of_every_run(undisturbed):
    plan = plan_runs(SWEEP)
    assert undisturbed.keys() == {run.identity for run in plan.runs}
    for run in plan.runs:
        record = undisturbed[run.identity]
        assert record["seed"] == run.request.seed
        assert record["learning_rate"] == run.experiment.learning_rate
        assert [point["round"] for point in record["curve"]] == [0, 3, 6]


def test_what_is_finished_is_not_run_again_and_what_is_left_ends_the_same(
    tmp_path, undisturbed
):
    plan = plan_runs(SWEEP)
    with open_store(tmp_path / "store") as store:
        stopped = run_plan(plan, store, TWO)
        first = next(stopped).planned.identity
    with open_store(tmp_path / "store") as store:
        planned = [run.identity for run in plan.runs]
        finished = list(filter(store.is_finished, planned))
        # A batch of two was written before its first run was told.
        assert len(finished) == 2
        assert first in finished
        assert len(run_all(plan, store)) == len(SWEEP) - 2
        assert run_all(plan, store) == []
        assert outcomes(store) == undisturbed


def test_runs_that_find_no_room_are_done_again_with_more(tmp_path, monkeypatch):
    resampled = changed(aggregator="median", negatives="resample")
    plan = plan_runs([resampled, resampled.replace(seed=1)])
    with open_store(tmp_path / "enough") as store:
        run_all(plan, store)
        expected = outcomes(store)
    # Now an item has room for as many rows as it receives on average.
    monkeypatch.setattr("jaxfr.training.layout.LOG_CHANCE", 1e-6)
    said: list[str] = []
    told: list[int] = []
    with open_store(tmp_path / "short") as store:
        run_all(plan, store, watcher=Watcher(rounds=told.append, say=said.append))
        assert outcomes(store) == expected
    assert "found no room" in said[0]
    assert sum(told) == sum(run.request.rounds for run in plan.runs)


def test_shards_end_as_the_whole_does(tmp_path, undisturbed):
    plan = plan_runs(SWEEP)
    with open_store(tmp_path / "store") as store:
        for index in range(4):
            run_all(take_shard(plan, index, 4), store)
        assert outcomes(store) == undisturbed


@pytest.mark.parametrize(
    "wanted_run",
    [
        changed(attack="spattack_l_s:max_poisoned_items=20"),
        changed(attack="spattack_o_d", participation=0.7),
    ],
)
def test_a_run_does_not_depend_on_which_runs_share_its_program(
    tmp_path, wanted_run: RunRequest
):
    """In company the program has room for more malicious clients, and more rounds."""
    others = [
        wanted_run.replace(
            attack=wanted_run.experiment.attack.name, malicious_ratio=0.4, rounds=9
        )
    ]
    found = []
    for index, wanted in enumerate(([wanted_run], [wanted_run, *others])):
        plan = plan_runs(wanted)
        with open_store(tmp_path / str(index)) as store:
            run_all(plan, store)
            found.append(outcomes(store)[plan_runs([wanted_run]).runs[0].identity])
            records = store.records()
            assert [lack_of_record(record) for record in records] == [None] * len(
                plan.runs
            )
    alone, in_company = found
    # The record says what decides last bits.
    assert alone["room_for_malicious_clients"] == alone["malicious_clients"]
    assert in_company["room_for_malicious_clients"] > in_company["malicious_clients"]
    for one, other in zip(alone["curve"], in_company["curve"], strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_progress_counts_every_round_of_every_run_once(tmp_path):
    rounds, found_rounds, runs, found_runs = told = [], [], [], []
    plan = plan_runs(SWEEP)
    with open_store(tmp_path / "store") as store:
        run_all(take_shard(plan, 0, 2), store)
        watcher = Watcher(
            rounds=rounds.append,
            found_rounds=found_rounds.append,
            runs=runs.append,
            found_runs=found_runs.append,
        )
        run_all(plan, store, watcher=watcher)
    half = len(SWEEP) // 2
    assert [*map(sum, told)] == [6 * half, 6 * half, half, half]


def test_each_group_is_compiled_once_and_the_first_record_bears_it(tmp_path):
    compiled: list[RunGroup] = []

    def compiling(group: RunGroup) -> contextlib.AbstractContextManager[None]:
        compiled.append(group)
        return contextlib.nullcontext()

    wanted = [
        changed(attack=a, seed=s) for a in ("none", "spattack_o_d") for s in (0, 1)
    ]
    with open_store(tmp_path / "store") as store:
        watcher = Watcher(compiling)
        done = list(run_plan(plan_runs(wanted * 2), store, TWO, watcher))
    assert [group.experiment.attack.name for group in compiled] == [
        "none",
        "spattack_o_d",
    ]
    seconds = [item.record["seconds"]["compile"] > 0 for item in done]
    assert seconds == [True, False, True, False]


def test_what_another_process_has_in_hand_is_waited_for_and_taken_over(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(work, "_SECONDS_BETWEEN_LOOKS", 0.01)
    plan = plan_runs(SWEEP[:3])
    in_hand = plan.runs[1].identity
    waited = threading.Event()
    path = tmp_path / "store"
    with open_store(path) as other, open_store(path) as store:
        assert other.claim([in_hand], 1) == (in_hand,)

        def give_up() -> None:
            assert waited.wait(60)
            time.sleep(0.05)
            other.close()

        thread = threading.Thread(target=give_up)
        thread.start()
        watcher = Watcher(waiting=lambda left: waited.set())
        done = run_all(plan, store, watcher=watcher)
        thread.join()
    assert done[-1] == in_hand
    assert sorted(done) == sorted(run.identity for run in plan.runs)


def test_a_group_that_nobody_works_on_is_begun_first(tmp_path):
    wanted = [
        changed(attack=a, seed=s) for a in ("none", "spattack_o_d") for s in (0, 1)
    ]
    plan = plan_runs(wanted)
    path = tmp_path / "store"
    with open_store(path) as other, open_store(path) as store:
        other.claim([plan.runs[0].identity], 1)
        first = next(run_plan(plan, store, TWO))
    assert first.planned.experiment.attack.name == "spattack_o_d"


def test_a_store_that_cannot_be_written_ends_the_sweep_with_an_error(
    tmp_path, monkeypatch
):
    plan = plan_runs(SWEEP)
    with open_store(tmp_path / "store") as store:

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("jaxfr.store.store.os.write", full)
        with pytest.raises(InvalidInputError, match="No space left on device"):
            run_all(plan, store)
        monkeypatch.undo()
        assert store.records() == []
        assert len(run_all(plan, store)) == len(SWEEP)


def test_a_program_that_cannot_be_run_fails_when_all_others_are_done(
    tmp_path, monkeypatch
):
    wanted = [
        changed(attack=a, seed=s) for a in ("none", "spattack_o_d") for s in (0, 1)
    ]
    plan, compile_group = plan_runs(wanted), GroupCompiler.compile
    clean = [run.identity for run in plan.groups[0].runs]

    def compile_attacked(self, group: RunGroup, *more):
        if group.experiment.attack.name == "none":
            raise InvalidInputError("needs 9 GB, and 1 GB is free")
        return compile_group(self, group, *more)

    monkeypatch.setattr(GroupCompiler, "compile", compile_attacked)
    failed, said = [], []
    watcher = Watcher(failed=lambda *what: failed.append(what), say=said.append)
    with open_store(tmp_path / "store") as store:
        with pytest.raises(InvalidInputError, match="needs 9 GB"):
            run_all(plan, store, watcher=watcher)
        done = [run.identity for run in plan.groups[1].runs]
        assert sorted(record["run"] for record in store.records()) == sorted(done)
        assert (failed, len(said)) == ([(2, 2 * 6)], 1)
        (failure,) = status_of(store).failures
        assert failure.error == "needs 9 GB, and 1 GB is free"
        assert sorted(failure.runs) == sorted(clean)
        monkeypatch.undo()
        assert sorted(run_all(plan, store)) == sorted(clean)
        assert status_of(store).failures == ()


def test_a_defect_ends_the_sweep_and_is_told_of_the_runs_in_hand(tmp_path, monkeypatch):
    plan = plan_runs(SWEEP)

    def broken(*_, **__):
        raise RuntimeError("a\ndefect")

    monkeypatch.setattr(work, "run_batch", broken)
    with (
        pytest.raises(RuntimeError, match="defect"),
        open_store(tmp_path / "store") as store,
    ):
        run_all(plan, store)
    (failure,) = status_of(store).failures
    assert (failure.error, len(failure.runs)) == ("RuntimeError: a defect", 2)


def test_all_shards_leave_one_plan_of_all_that_is_wanted(tmp_path):
    plan = plan_runs(SWEEP)
    with open_store(tmp_path / "store") as store:
        for index in range(2):
            next(run_plan(take_shard(plan, index, 2), store, TWO))
        (told,) = read_plans(store.path)
    assert told.programs == [
        (plan.groups[0].title, [run.identity for run in plan.groups[0].runs])
    ]

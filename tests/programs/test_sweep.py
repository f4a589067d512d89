"""The sweep program, as a user or a cluster starts, stops, kills and starves it."""

import os
import pathlib
import random
import resource
import signal
import time
from typing import Any

import pytest

from jaxfr.records.contents import lack_of_record
from jaxfr.store import read_store
from tests.programs.killing import mortal
from tests.programs.programs import (
    TINY,
    Ended,
    Started,
    assert_refused,
    instead,
    jaxfr,
    lines,
    outcome,
    run,
    start,
)

GRID = (
    *TINY,
    "--attack=none,spattack_o_d",
    "--learning_rate=0.05,0.1,0.2",
    "--seeds=0:4",
)
NUM_RUNS = 24
# JAXFR_TEST_KILLS=50 for the figure in BUILD_NOTES.md.
KILLS = int(os.environ.get("JAXFR_TEST_KILLS", "3"))


def sweep(*arguments: str, **others: Any) -> Ended:
    return run("sweep", *arguments, **others)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, dict]:
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    done = sweep(*GRID, f"--store={store}")
    assert done.returncode == 0, done.stderr
    assert "24 runs done, 0 found finished, 0 done by others" in done.stdout
    assert "learning_rate  attack        runs  HR@10\n0.05 " in done.stdout
    assert "± half of their 95 % interval by Student's t" in done.stdout
    return {record["run"]: outcome(record) for record in lines(store)}


def check_complete(store: pathlib.Path, undisturbed: dict[str, dict]) -> None:
    """The store holds a record of each run, which is that of the other sweep."""
    found = read_store(store, lack_of_record)
    assert {record["run"]: outcome({**record}) for record in found} == undisturbed


def end_and_tell_xla_flags() -> None:
    try:
        jaxfr()
    finally:
        print(os.environ["XLA_FLAGS"])


def test_loops_are_kept_before_jax_starts(tmp_path):
    ended = sweep(
        f"--dataset={tmp_path / 'nothing.csv'}",
        f"--store={tmp_path / 'store'}",
        program=end_and_tell_xla_flags,
    )
    assert ended.returncode == 2  # the data are looked for when the flags are set
    assert "xla_cpu_disable_loop_unrolling" in ended.stdout


def test_kept_loops_change_no_record(undisturbed, tmp_path):
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_backend_extra_options=xla_none"
    done = sweep(*GRID, f"--store={tmp_path}", XLA_FLAGS=flags.strip())
    assert done.returncode == 0, done.stderr
    check_complete(tmp_path, undisturbed)


def test_every_combination_is_run_once(undisturbed):
    combinations = {
        (record["attack"], record["learning_rate"], record["seed"])
        for record in undisturbed.values()
    }
    assert len(combinations) == len(undisturbed) == NUM_RUNS


def with_little_room() -> None:
    """Files may grow to 20 kB: some records, and then half a one."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    jaxfr()


def test_killed_starved_and_damaged_a_sweep_ends_as_an_undisturbed_one(
    tmp_path, undisturbed
):
    command, store = (*GRID, f"--store={tmp_path / 'store'}"), tmp_path / "store"
    # While the store is made, and between its second record and the third.
    for dies_at in ("1", "4"):
        died = sweep(*command, program=mortal, DIES_AT=dies_at)
        assert died.returncode == -signal.SIGKILL, died.stderr
    (file,) = (store / "records").iterdir()
    left = len(lines(store))
    assert 0 < left < NUM_RUNS
    starved = sweep(*command, program=with_little_room)
    assert starved.returncode == 2
    *_, last = starved.stderr.strip().splitlines()
    assert last.startswith(f"error: cannot write {store}")
    assert left < len(lines(store)) < NUM_RUNS
    file.write_bytes(file.read_bytes().replace(b'"seed": ', b'"seed": 1', 1))
    (store / "records" / "copied.jsonl").write_text('{"hr@10": 0.3}\n')
    intact = len(lines(store)) - 2
    done = sweep(*command)
    assert done.returncode == 0, done.stderr
    assert "2 damaged or foreign lines" in done.stderr
    told = f"{NUM_RUNS - intact} runs done, {intact} found finished"
    assert told in done.stdout
    assert len(lines(store)) == NUM_RUNS + 2
    check_complete(store, undisturbed)
    again = sweep(*command)
    assert "24 runs of 2 programs, 24 of them finished" in again.stdout


def wait_for_claim(process: Started, store: pathlib.Path) -> None:
    """Waits until a process that was just started claims its first runs, or ends."""
    while process.lives() and not [*store.glob(f"claims/*-{process.pid}-*.claim")]:
        time.sleep(0.01)


@pytest.mark.long
def test_a_sweep_killed_at_any_moment_ends_as_an_undisturbed_one(tmp_path):
    """All runs together take about a second for each kill."""
    longer = (
        *instead(TINY, "--rounds=6000", "--eval_every=3000"),
        "--attack=none,spattack_o_d",
        *("--learning_rate=0.05,0.1", f"--seeds=0:{KILLS}"),
    )
    undisturbed, store = tmp_path / "undisturbed", tmp_path / "store"
    assert sweep(*longer, f"--store={undisturbed}").returncode == 0
    source, killed = random.Random(0), 0
    for _ in range(KILLS):
        process = start("sweep", *longer, f"--store={store}")
        if source.random() < 0.8:
            # Otherwise even the start is cut short.
            wait_for_claim(process, store)
        time.sleep(source.uniform(0.0, 2.5))
        process.kill()
        killed += process.wait().returncode != 0
    print(f"after {killed} kills {len(lines(store))} of {4 * KILLS} runs are done")
    assert killed > KILLS / 2
    done = sweep(*longer, f"--store={store}")
    assert done.returncode == 0, done.stderr
    assert len(lines(store)) == 4 * KILLS
    expected = {record["run"]: outcome(record) for record in lines(undisturbed)}
    check_complete(store, expected)


def test_sweeps_on_one_store_share_the_runs_and_take_over_those_of_a_killed_one(
    tmp_path, undisturbed
):
    store = tmp_path / "store"
    first, *others = [start("sweep", *GRID, f"--store={store}") for _ in range(3)]
    wait_for_claim(first, store)
    first.kill()
    assert first.wait().returncode == -signal.SIGKILL
    for process in others:
        ended = process.wait()
        assert ended.returncode == 0, ended.stderr
    assert len(lines(store)) == NUM_RUNS
    check_complete(store, undisturbed)


def test_shards_of_flags_and_of_a_file_do_all_runs_once_also_with_a_damaged_cache(
    tmp_path, undisturbed
):
    toml = tmp_path / "sweep.toml"
    toml.write_text(
        'seeds = "0:4"\n[grid]\nlearning_rate = [0.05, 0.1, 0.2]\n'
        '[[list]]\nattack = "none"\n[[list]]\nattack = ["spattack_o_d"]\n'
    )
    store, cache = tmp_path / "store", tmp_path / "compiled"
    common = (
        *("--num_shards=2", f"--store={store}", f"--compilation_cache_dir={cache}"),
    )
    first = sweep(*GRID, "--shard_index=0", *common)
    assert first.returncode == 0, first.stderr
    assert len(lines(store)) == NUM_RUNS // 2
    entries = list(cache.rglob("*-cache"))
    assert entries
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:100])
    second = sweep(*TINY, f"--sweep_file={toml}", "--shard_index=1", *common)
    assert second.returncode == 0, second.stderr
    assert "a damaged program was removed" in second.stderr
    assert len(lines(store)) == NUM_RUNS
    check_complete(store, undisturbed)


def test_a_dry_run_tells_what_there_is_to_do_and_makes_nothing(tmp_path):
    store = tmp_path / "store"
    done = sweep(*TINY, "--seeds=0:2", f"--store={store}", "--dry_run")
    assert done.returncode == 0, done.stderr
    assert "2 runs of 1 programs, 2 to do: at most" in done.stdout
    assert "GB" in done.stdout
    assert not store.exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--store="], "store=: must name"),
        (["--attack=xyz"], "spattack_o_d"),
        (["--aggregator=mean,mean"], "distinct"),
        (["--learning_rate=0.1,x"], "learning_rate"),
        (["--seeds=3:3"], "0:10"),
        (["--num_shards=2", "--shard_index=2"], "num_shards=2"),
        (["--sweep_file=missing.toml"], "missing.toml"),
        (["--malicious_ratio=0.1,1"], "below 1"),
        (["--dry_run", "--coordinator_address=host:1"], "takes one process"),
    ],
)
def test_a_mistake_ends_with_one_line_and_exit_code_2(tmp_path, arguments, named):
    store = tmp_path / "store"
    assert_refused(sweep(*instead((*TINY[:2], f"--store={store}"), *arguments)), named)
    assert not store.exists()


def test_a_store_is_named_and_what_is_in_the_file_is_not_on_the_command_line(tmp_path):
    assert_refused(sweep(*TINY), "store: name the folder for the records, --store=")
    toml = tmp_path / "sweep.toml"
    toml.write_text("seeds = [0, 1]\n[grid]\nlearning_rate = 0.1\n")
    for flag in ("--learning_rate=0.2", "--seeds=0"):
        refused = sweep(flag, f"--sweep_file={toml}", "--dry_run")
        assert_refused(refused, f"{flag[2:].partition('=')[0]}: stands in {toml}")

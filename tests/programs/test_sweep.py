"""The sweep program, as a user or a cluster starts, stops, kills and starves it."""

import os
import pathlib
import random
import resource
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.programs.programs import (
    TINY,
    Ended,
    assert_refused,
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
    return {record["run"]: outcome(record) for record in lines(store)}


def wait_for_claim(process: subprocess.Popen, store: pathlib.Path) -> None:
    """Waits until a process that was just started claims its first runs, or ends."""
    while not list(store.glob(f"claims/*-{process.pid}-*.claim")):
        if process.poll() is not None:
            return
        time.sleep(0.01)


def check_complete(store: pathlib.Path, undisturbed: dict[str, dict]) -> None:
    found = lines(store)
    assert len(found) == len(undisturbed)
    assert {record["run"]: outcome(record) for record in found} == undisturbed


def test_every_combination_is_run_once(undisturbed):
    combinations = {
        (record["attack"], record["learning_rate"], record["seed"])
        for record in undisturbed.values()
    }
    assert len(combinations) == len(undisturbed) == NUM_RUNS


def test_a_sweep_killed_at_any_moment_ends_as_an_undisturbed_one(tmp_path):
    """All runs together take about a second for each kill."""
    longer = (
        *TINY,
        *("--rounds=6000", "--eval_every=3000", "--attack=none,spattack_o_d"),
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
        try:
            process.wait(source.uniform(0.0, 2.5))
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.communicate()
    print(f"after {killed} kills {len(lines(store))} of {4 * KILLS} runs are done")
    assert killed > KILLS / 2
    done = sweep(*longer, f"--store={store}")
    assert done.returncode == 0, done.stderr
    expected = {record["run"]: outcome(record) for record in lines(undisturbed)}
    assert len(expected) == 4 * KILLS
    check_complete(store, expected)


def test_two_sweeps_on_one_store_share_the_runs(tmp_path, undisturbed):
    store = tmp_path / "store"
    both = [start("sweep", *GRID, f"--store={store}") for _ in range(2)]
    for process in both:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    check_complete(store, undisturbed)


def test_a_killed_sweeps_runs_are_taken_over_by_the_one_beside_it(
    tmp_path, undisturbed
):
    store = tmp_path / "store"
    first = start("sweep", *GRID, f"--store={store}")
    wait_for_claim(first, store)
    second = start("sweep", *GRID, f"--store={store}")
    first.kill()
    first.communicate()
    _, errors = second.communicate()
    assert second.returncode == 0, errors
    check_complete(store, undisturbed)


def test_shards_do_all_runs_and_no_run_twice(tmp_path, undisturbed):
    store = tmp_path / "store"
    for index in range(3):
        shard = (f"--shard_index={index}", "--num_shards=3", f"--store={store}")
        assert sweep(*GRID, *shard).returncode == 0
        assert len(lines(store)) == 8 * (index + 1)
    check_complete(store, undisturbed)


def test_a_file_says_the_same_as_flags(tmp_path, undisturbed):
    toml = tmp_path / "sweep.toml"
    toml.write_text(
        'seeds = "0:4"\n[grid]\nlearning_rate = [0.05, 0.1, 0.2]\n'
        '[[list]]\nattack = "none"\n[[list]]\nattack = ["spattack_o_d"]\n'
    )
    store = tmp_path / "store"
    done = sweep(*TINY, f"--sweep_file={toml}", f"--store={store}")
    assert done.returncode == 0, done.stderr
    check_complete(store, undisturbed)


def test_a_dry_run_tells_what_there_is_to_do_and_makes_nothing(tmp_path):
    store = tmp_path / "store"
    done = sweep(*GRID, f"--store={store}", "--dry_run")
    assert done.returncode == 0, done.stderr
    assert "24 runs of 2 programs, 24 to do: at most" in done.stdout
    assert "GB" in done.stdout
    assert not store.exists()


def with_little_room() -> None:
    """Files may grow to 20 kB: some records, and then half a one."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    jaxfr()


def test_a_full_disk_ends_the_sweep_with_an_error_and_what_was_done_stays(
    tmp_path, undisturbed
):
    store = tmp_path / "store"
    done = sweep(*GRID, f"--store={store}", program=with_little_room)
    assert done.returncode == 2
    *_, last = done.stderr.strip().splitlines()
    assert last.startswith(f"error: cannot write {store}")
    assert 0 < len(lines(store)) < NUM_RUNS
    done = sweep(*GRID, f"--store={store}")
    assert done.returncode == 0, done.stderr
    check_complete(store, undisturbed)


def test_damaged_and_foreign_records_are_told_of_and_run_again(tmp_path, undisturbed):
    store = tmp_path / "store"
    assert sweep(*GRID, f"--store={store}").returncode == 0
    (file,) = (store / "records").glob("*.jsonl")
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"seed": 1', b'"seed": 7', 1)[:-30])
    (store / "records" / "copied.jsonl").write_text('{"hr@10": 0.3}\n')
    done = sweep(*GRID, f"--store={store}")
    assert done.returncode == 0, done.stderr
    assert "2 damaged or foreign lines" in done.stderr
    assert "2 runs done, 22 found finished" in done.stdout
    assert (
        "24 runs of 2 programs, 24 of them finished"
        in sweep(*GRID, f"--store={store}").stdout
    )


def test_a_damaged_cache_of_compiled_programs_is_mended(tmp_path, undisturbed):
    cache = tmp_path / "compiled"
    small = (
        *(*TINY, "--attack=none", "--seeds=0:2", "--learning_rate=0.05"),
        f"--compilation_cache_dir={cache}",
    )
    assert sweep(*small, f"--store={tmp_path / 'first'}").returncode == 0
    entries = list(cache.rglob("*-cache"))
    assert entries
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:100])
    for name, told in (("second", True), ("third", False)):
        done = sweep(*small, f"--store={tmp_path / name}")
        assert done.returncode == 0, done.stderr
        assert ("a damaged program was removed" in done.stderr) == told
        for record in lines(tmp_path / name):
            assert outcome(record) == undisturbed[record["run"]]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--store="], "store=: must name"),
        (["--attack=nonsense"], "spattack_o_d"),
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
    assert_refused(sweep(*TINY[:2], f"--store={store}", *arguments), named)
    assert not store.exists()


def test_a_store_is_named_and_what_is_in_the_file_is_not_on_the_command_line(tmp_path):
    assert_refused(sweep(*TINY), "store: name the folder for the records, --store=")
    toml = tmp_path / "sweep.toml"
    toml.write_text("seeds = [0, 1]\n[grid]\nlearning_rate = 0.1\n")
    for flag in ("--learning_rate=0.2", "--seeds=0"):
        refused = sweep(flag, f"--sweep_file={toml}", "--dry_run")
        assert_refused(refused, f"{flag[2:].partition('=')[0]}: stands in {toml}")

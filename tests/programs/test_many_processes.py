"""Two real processes that do a run together end where one process ends."""

import json
import socket

import numpy as np
import pytest

from jaxfr.records.record import Record
from tests.programs.programs import TINY, Ended, lines, run, start

SWEEP = (*TINY, "--attack=gaussian", "--aggregator=krum", "--seeds=0:2")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("localhost", 0))
        return listening.getsockname()[1]


def run_together(*arguments: str) -> list[Ended]:
    """Starts a program in two processes of a device each, and waits for both."""
    where = f"--coordinator_address=localhost:{free_port()}"
    both = (*arguments, where, "--num_processes=2", "--num_devices=2")
    started = [start(*both, f"--process_id={own}") for own in range(2)]
    return [process.wait() for process in started]


def metrics(record: Record) -> list[float]:
    names = ("hr@5", "ndcg@5", "hr@10", "ndcg@10")
    return [point[name] for point in record["curve"] for name in names]


def test_two_processes_measure_what_one_measures_and_go_by_the_store_of_one(tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    one = run("sweep", *SWEEP, "--num_devices=1", f"--store={alone}")
    assert one.returncode == 0, one.stderr
    (file,) = (alone / "records").iterdir()
    (together / "records").mkdir(parents=True)
    first, second = file.read_bytes().splitlines(keepends=True)
    (together / "records" / file.name).write_bytes(first)
    leader, follower = run_together("sweep", *SWEEP, f"--store={together}")
    assert (leader.returncode, follower.returncode) == (0, 0), leader.stderr
    assert "1 runs done, 1 found finished" in leader.stdout
    assert "runs done" not in follower.stdout
    expected = json.loads(second)
    (found,) = (record for record in lines(together) if record["num_devices"] == 2)
    assert len(lines(together)) == 2
    assert found["run"] == expected["run"]
    assert metrics(found) == pytest.approx(metrics(expected), abs=1e-4)


def test_processes_find_each_other_as_under_slurm_and_save_what_one_saves(tmp_path):
    """As ``experiments/jobs/slurm_hosts.sh`` starts them, on one host."""
    alone, together = tmp_path / "alone.npz", tmp_path / "together.npz"
    chosen = (
        *("train", *TINY, "--attack=spattack_l_d", "--aggregator=median"),
        "--nocompare_clean",
    )
    one = run(*chosen, "--num_devices=1", f"--save_params={alone}")
    assert one.returncode == 0, one.stderr
    both = (*chosen, f"--save_params={together}", f"--output_dir={tmp_path / 'folder'}")
    job = str(free_port())
    started = [
        start(
            *(*both, "--coordinator_address=auto"),
            SLURM_JOB_ID=job,
            SLURM_STEP_NODELIST="localhost",
            SLURM_NTASKS="2",
            SLURM_STEP_NUM_NODES="1",
            SLURM_PROCID=str(process),
            SLURM_LOCALID=str(process),
        )
        for process in range(2)
    ]
    leader, follower = [process.wait() for process in started]
    assert (leader.returncode, follower.returncode) == (0, 0), leader.stderr
    with np.load(alone) as expected, np.load(together) as found:
        assert expected.files == found.files
        for name in expected.files:
            np.testing.assert_array_equal(found[name], expected[name], name)
    (line,) = (tmp_path / "folder" / "results.jsonl").read_text().splitlines()
    assert json.loads(line)["num_devices"] % 2 == 0


def test_an_error_of_one_process_ends_the_others_in_a_line(tmp_path):
    (tmp_path / "file").touch()
    leader, follower = run_together("train", *TINY, f"--store={tmp_path / 'file'}")
    assert (leader.returncode, follower.returncode) == (2, 1)
    reason = "error: cannot make the result store"
    assert leader.stderr.splitlines()[-1].startswith(reason)
    assert follower.stderr.splitlines()[-1].startswith(
        f"error: process 0 ended: {reason}"
    )

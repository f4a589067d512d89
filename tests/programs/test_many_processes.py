"""Two real processes that do a run together end where one process ends."""

import json
import socket

import numpy as np
import pytest

from jaxfr.records.record import Record
from tests.programs.programs import TINY, Ended, lines, run, start, start_python, wait

SWEEP = (
    *TINY,
    "--attack=gaussian",
    "--aggregator=mean,median,trimmed_mean,krum,norm",
)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("localhost", 0))
        return listening.getsockname()[1]


def run_together(*arguments: str) -> list[Ended]:
    """Starts a program in two processes of a device each, and waits for both."""
    where = f"--coordinator_address=localhost:{free_port()}"
    both = (*arguments, where, "--num_processes=2", "--num_devices=2")
    return [*map(wait, [start(*both, f"--process_id={own}") for own in range(2)])]


def metrics(record: Record) -> list[float]:
    names = ("hr@5", "ndcg@5", "hr@10", "ndcg@10")
    return [point[name] for point in record["curve"] for name in names]


def test_two_processes_measure_what_one_measures(tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    one = run("sweep", *SWEEP, "--num_devices=1", f"--store={alone}")
    assert one.returncode == 0, one.stderr
    leader, follower = run_together("sweep", *SWEEP, f"--store={together}")
    assert (leader.returncode, follower.returncode) == (0, 0), leader.stderr
    assert "5 runs done" in leader.stdout
    assert "runs done" not in follower.stdout
    wanted = {record["run"]: record for record in lines(alone)}
    found = lines(together)
    assert len(wanted) == len(found) == 5
    for record in found:
        assert record["num_devices"] == 2
        exactly = record["aggregator"] == "median"
        assert metrics(record) == pytest.approx(
            metrics(wanted[record["run"]]), abs=1e-7 if exactly else 1e-4
        )


def test_the_leader_saves_the_parameters_of_all_and_goes_by_its_store(tmp_path):
    store = f"--store={tmp_path / 'store'}"
    chosen = ("train", *TINY, "--attack=spattack_l_d", "--aggregator=median", store)
    alone, together = tmp_path / "alone.npz", tmp_path / "together.npz"
    one = run(*chosen, "--num_devices=1", f"--save_params={alone}")
    assert one.returncode == 0, one.stderr
    leader, follower = run_together(*chosen, f"--save_params={together}")
    assert (leader.returncode, follower.returncode) == (0, 0), leader.stderr
    with np.load(alone) as expected, np.load(together) as found:
        assert expected.files == found.files
        for name in expected.files:
            np.testing.assert_array_equal(found[name], expected[name], name)
    again, _ = run_together(*chosen)
    assert again.returncode == 0, again.stderr
    assert "2 of 2 runs are in the store" in again.stderr


def test_an_error_of_one_process_ends_the_others_in_a_line(tmp_path):
    (tmp_path / "file").touch()
    leader, follower = run_together("train", *TINY, f"--store={tmp_path / 'file'}")
    assert (leader.returncode, follower.returncode) == (2, 1)
    reason = "error: cannot make the result store"
    assert leader.stderr.splitlines()[-1].startswith(reason)
    assert follower.stderr.splitlines()[-1].startswith(
        f"error: process 0 ended: {reason}"
    )


def test_processes_find_each_other_in_the_environment_of_slurm(tmp_path):
    """As ``experiments/jobs/slurm_hosts.sh`` starts them, on one host."""
    chosen = *TINY, "--attack=none", "--coordinator_address=auto"
    job = str(free_port())
    started = [
        start_python(
            *("-m", "jaxfr", "train", *chosen, f"--output_dir={tmp_path}"),
            SLURM_JOB_ID=job,
            SLURM_STEP_NODELIST="localhost",
            SLURM_NTASKS="2",
            SLURM_STEP_NUM_NODES="1",
            SLURM_PROCID=str(process),
            SLURM_LOCALID=str(process),
        )
        for process in range(2)
    ]
    leader, follower = map(wait, started)
    assert (leader.returncode, follower.returncode) == (0, 0), leader.stderr
    (line,) = (tmp_path / "results.jsonl").read_text().splitlines()
    assert json.loads(line)["num_devices"] % 2 == 0

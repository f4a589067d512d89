"""Two real processes that do a run together end where one process ends."""

import json
import socket
import subprocess

import numpy as np
import pytest

from jaxfr.records.record import Record
from jaxfr.store import open_store
from tests.programs.programs import TINY, run_python, start_python, wait

SWEEP = (
    *TINY,
    "--attack=gaussian",
    "--aggregator=mean,median,trimmed_mean,krum,norm",
)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("localhost", 0))
        return listening.getsockname()[1]


def run_together(
    program: str, *arguments: str, number: int = 2
) -> list[subprocess.CompletedProcess[str]]:
    """Starts a program in several processes, and waits for all."""
    where = f"--coordinator_address=localhost:{free_port()}"
    started = [
        start_python(
            *("-m", "jaxfr", program, *arguments, where),
            *(f"--num_processes={number}", f"--process_id={process}"),
        )
        for process in range(number)
    ]
    return [wait(process) for process in started]


def metrics(record: Record) -> list[float]:
    names = ("hr@5", "ndcg@5", "hr@10", "ndcg@10")
    return [point[name] for point in record["curve"] for name in names]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("compiled")
    return f"--compilation_cache_dir={folder}"


def test_two_processes_measure_what_one_measures(tmp_path, cache):
    alone, together = tmp_path / "alone", tmp_path / "together"
    one = run_python(
        *("-m", "jaxfr", "sweep", *SWEEP, cache, "--num_devices=1"),
        f"--store={alone}",
    )
    assert one.returncode == 0, one.stderr
    leader, follower = run_together(
        "sweep", *SWEEP, cache, "--num_devices=2", f"--store={together}"
    )
    assert (leader.returncode, follower.returncode) == (0, 0), leader.stderr
    assert "5 runs done" in leader.stdout
    assert "runs done" not in follower.stdout
    with open_store(alone) as expected, open_store(together) as found:
        wanted = {record["run"]: record for record in expected.records()}
        assert len(wanted) == len(found.records()) == 5
        for record in found.records():
            assert record["num_devices"] == 2
            exactly = record["aggregator"] == "median"
            assert metrics(record) == pytest.approx(
                metrics(wanted[record["run"]]), abs=1e-7 if exactly else 1e-4
            )


def test_the_leader_saves_the_parameters_of_all_and_goes_by_its_store(tmp_path, cache):
    store = f"--store={tmp_path / 'store'}"
    chosen = *TINY, "--attack=spattack_l_d", "--aggregator=median", cache, store
    alone = run_python(
        *("-m", "jaxfr", "train", *chosen, "--num_devices=1"),
        f"--save_params={tmp_path / 'alone.npz'}",
    )
    assert alone.returncode == 0, alone.stderr
    leader, follower = run_together(
        "train",
        *chosen,
        "--num_devices=2",
        f"--save_params={tmp_path / 'together.npz'}",
    )
    assert (leader.returncode, follower.returncode) == (0, 0), leader.stderr
    with (
        np.load(tmp_path / "alone.npz") as expected,
        np.load(tmp_path / "together.npz") as found,
    ):
        assert expected.files == found.files
        for name in expected.files:
            np.testing.assert_array_equal(found[name], expected[name], name)
    again, _ = run_together("train", *chosen, "--num_devices=2")
    assert again.returncode == 0, again.stderr
    assert "2 of 2 runs are in the store" in again.stderr


def test_an_error_of_one_process_ends_the_others_in_a_line(tmp_path, cache):
    (tmp_path / "file").touch()
    leader, follower = run_together(
        *("train", *TINY, cache, "--num_devices=2", f"--store={tmp_path / 'file'}")
    )
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


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--num_processes=2",), "need --coordinator_address"),
        (("--coordinator_address=localhost:1",), "needs --num_processes"),
        (
            (
                "--coordinator_address=localhost:1",
                "--num_processes=2",
                "--process_id=2",
            ),
            "process_id=2: must be below num_processes=2",
        ),
        (
            (
                *("--coordinator_address=localhost:1", "--num_processes=2"),
                *("--process_id=0", "--num_devices=3"),
            ),
            "the processes must have equally many",
        ),
        (("--coordinator_address=auto", "--num_devices=4"), "needs --num_processes"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(flags, message):
    ended = run_python("-m", "jaxfr", "train", *TINY, *flags)
    assert ended.returncode == 2
    assert message in ended.stderr

r"""Hands a sweep to a cluster as several jobs, through submitit.

jaxfr submit --num_jobs=10 --timeout_minutes=240 \
    --attack=none,spattack_o_d --seeds=0:100 --store=runs/store

Takes all flags of jaxfr sweep; needs the extra ``jobs``.
"""

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from jaxfr.errors import InvalidInputError, import_extra
from jaxfr.files import user_path
from jaxfr.programs import sweep
from jaxfr.programs.execution_flags import store_path
from jaxfr.programs.flag_parsers import define_choice, define_number
from jaxfr.programs.program import run_program
from jaxfr.ranges import COUNT, COUNT_FROM_1, LARGEST, SMALLEST, Range
from jaxfr.stopping import keep
from jaxfr.sweeps.grid import MOST_RUNS
from jaxfr.sweeps.plan import check_all
from jaxfr.terminal import note

EXAMPLE = "--num_jobs=10 --timeout_minutes=240 --sweep_file=mine.toml"
"""For ``--help``, of the flags that only this program has."""

flags.adopt_module_key_flags(sweep)

_NUM_JOBS = define_number(
    "num_jobs",
    1,
    "Number of jobs; each does its share of the runs.",
    Range(1, MOST_RUNS, whole=True),
)
_CLUSTER = define_choice(
    "cluster",
    "slurm",
    ["slurm", "local"],
    "Where the jobs run; local: on this machine, all at once.",
)
_JOB_LOG_DIR = flags.DEFINE_string(
    "job_log_dir", "runs/logs", "Folder for what jobs print and for submitit's files."
)
_TIMEOUT_MINUTES = define_number(
    "timeout_minutes",
    60,
    "Minutes after which a job is ended. What it has not done then is done by "
    "submitting the same sweep again.",
    COUNT_FROM_1,
)
_CPUS_PER_TASK = define_number(
    "cpus_per_task", None, "Cores for each job. Default: the cluster's.", COUNT_FROM_1
)
_GPUS_PER_NODE = define_number(
    "gpus_per_node", None, "GPUs for each job. Default: the cluster's.", COUNT
)
_MEMORY_GB = define_number(
    "memory_gb",
    None,
    "Gigabytes for each job. Default: the cluster's.",
    Range(SMALLEST, LARGEST),
)
_SLURM_PARTITION = flags.DEFINE_string(
    "slurm_partition", None, "Slurm's partition. Default: the cluster's."
)
_WAIT = flags.DEFINE_bool("wait", False, "Waits until all jobs have ended.")

_OWN = (
    *(_NUM_JOBS, _CLUSTER, _JOB_LOG_DIR, _TIMEOUT_MINUTES, _CPUS_PER_TASK),
    *(_GPUS_PER_NODE, _MEMORY_GB, _SLURM_PARTITION, _WAIT),
)


def main() -> None:
    """Submits the jobs, and waits for them if asked to."""
    if store_path() is None:
        raise InvalidInputError("store: name the folder for the records, --store=...")
    check_all(sweep.chosen_runs())  # better refused here than in a queue
    import_extra("submitit.helpers", "jobs", "jaxfr submit")
    submitit = importlib.import_module("submitit")
    arguments, count = forwarded_arguments(), _NUM_JOBS.value
    shares = [
        [*arguments, f"--shard_index={index}", f"--num_shards={count}"]
        for index in range(count)
    ]
    executor = _executor(submitit)
    with executor.batch():
        jobs = [executor.submit(run_share, share) for share in shares]
    names = ", ".join(job.job_id for job in jobs)
    print(f"submitted {names}; {_JOB_LOG_DIR.value} holds what they print")
    if _WAIT.value:
        keep(f"finished runs are kept in {store_path()}")
        if _CLUSTER.value == "slurm":
            keep(f"jobs {names} run on until scancel ends them")
        _wait(jobs)


def run_share(arguments: Sequence[str]) -> None:
    """What a job does: the sweep itself, in submitit's process.

    So the cluster's signals reach it, which Slurm sends to the processes that it
    started and not to theirs. The one that submitit has sent before the time is over
    may queue the job again, and ends the sweep like SIGTERM where it does not.
    """
    announced = signal.getsignal(signal.SIGUSR2)

    def stop(number: int, frame: Any) -> None:
        try:
            if callable(announced):
                announced(number, frame)
        except Exception as error:  # it says why the job is not queued again
            note(str(error))
            signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGUSR2, stop)
    sys.argv = ["jaxfr sweep", *arguments]
    try:
        run_program(sweep.main)
    except SystemExit as ended:
        if ended.code:
            raise


def forwarded_arguments() -> list[str]:
    """The flags that were given and are the sweep's, as it will read them."""
    # What a flag file names is given, and each job has a share of its own.
    left_out = {"flagfile", "shard_index", "num_shards"}
    left_out.update(flag.name for flag in _OWN)
    given = [flags.FLAGS[name] for name in flags.FLAGS if name not in left_out]
    return [
        flag.serialize() for flag in given if flag.present and flag.value is not None
    ]


def _executor(submitit: Any) -> Any:
    executor = submitit.AutoExecutor(
        folder=user_path(_JOB_LOG_DIR.value, "job_log_dir"), cluster=_CLUSTER.value
    )
    parameters = {
        "name": "jaxfr-sweep",
        "timeout_min": _TIMEOUT_MINUTES.value,
        "cpus_per_task": _CPUS_PER_TASK.value,
        "gpus_per_node": _GPUS_PER_NODE.value,
        "mem_gb": _MEMORY_GB.value,
        "slurm_partition": _SLURM_PARTITION.value,
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    executor.update_parameters(**given)
    return executor


def _wait(jobs: list[Any]) -> None:
    """Waits for all jobs; ends with 1 if some failed."""
    failed = [job.job_id for job in jobs if job.exception() is not None]
    if failed:
        note(f"failed: {', '.join(failed)}")
        sys.exit(1)

"""On which devices a program's runs are executed, and how many at once."""

import os
import pathlib
from typing import NamedTuple

import jax

from jaxfr.checkpoints import CheckpointOptions
from jaxfr.devices import num_cores
from jaxfr.errors import InvalidInputError
from jaxfr.jax_settings import find_devices
from jaxfr.platforms import on_cpu
from jaxfr.processes import Processes, join_processes

# Each device of a CPU holds its own copy of the data, so not all of many cores are used
# unless somebody asks for them.
MOST_CPU_DEVICES = 8

# Runs side by side on one GPU, unless memory allows fewer.
RUNS_PER_GPU = 16


class Execution(NamedTuple):
    """How runs are executed: so many at once.

    Each run is spread over some devices, or runs are divided among them; one of the two
    numbers is 1.
    """

    spread: int
    divided: int
    runs: int


def start_devices(wanted: int, processes: Processes | None = None) -> int:
    """Starts JAX with the wanted number of devices and returns it.

    To be called before anything else starts JAX. The number is that of all processes; 0
    for all, on a CPU ``MOST_CPU_DEVICES`` of each process at most.

    Raises:
        InvalidInputError: if there are fewer, or none of the platform that was asked
            for, or processes do not find together.
    """
    share, rest = divmod(wanted, (processes and processes.num_processes) or 1)
    if rest:
        raise InvalidInputError(
            f"num_devices={wanted}: the processes must have equally many"
        )
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        # Of no effect where JAX runs on GPUs.
        jax.config.update(
            "jax_num_cpu_devices", share or min(num_cores(), MOST_CPU_DEVICES)
        )
    if processes is not None:
        join_processes(processes)
    devices = find_devices()
    available = len(devices)
    if wanted > available:
        kind = devices[0].device_kind
        raise InvalidInputError(f"num_devices={wanted}: JAX has {available} ({kind})")
    if jax.process_count() > 1 and wanted not in (0, available):
        raise InvalidInputError(
            f"num_devices={wanted}: the {jax.process_count()} processes have "
            f"{available}, and use all of them"
        )
    return wanted or available


class ExecutionOptions(NamedTuple):
    """How somebody wants runs to be executed.

    Runs of several processes are spread over all devices in any case.
    """

    devices: int  # how many, from start_devices
    runs_at_once: int = 0  # in a call of a program; 0 for what suits the platform
    spread_runs: bool = False  # each over all devices, one after the other
    checkpoints: CheckpointOptions | None = None  # None: a killed batch begins anew
    programs: pathlib.Path | None = None  # folder of those that are kept


def plan_execution(
    num_runs: int, options: ExecutionOptions, *, may_spread: bool = True
) -> Execution:
    """Decides how some runs of one program are executed.

    Refuses ``runs_at_once`` that the devices do not divide, and runs that are spread
    and wanted at once.

    Args:
        num_runs: how many.
        options: what somebody wants.
        may_spread: whether a single run may be spread though nobody asked for it.
    """
    devices, at_once = options.devices, options.runs_at_once
    if options.spread_runs or jax.process_count() > 1:
        if at_once > 1:
            raise InvalidInputError(
                f"runs_at_once={at_once}: runs that are spread over devices follow one "
                "another"
            )
        return Execution(spread=devices, divided=1, runs=1)
    if num_runs == 1 and at_once <= 1:
        spread = devices if on_cpu() and may_spread else 1
        return Execution(spread=spread, divided=1, runs=1)
    if at_once:
        divided = min(devices, at_once)
        if at_once % divided:
            raise InvalidInputError(
                f"runs_at_once={at_once}: must be a multiple of the {divided} devices"
            )
        return Execution(spread=1, divided=divided, runs=at_once)
    divided = min(devices, num_runs)
    per_device = 1 if on_cpu() else min(RUNS_PER_GPU, -(-num_runs // divided))
    return Execution(spread=1, divided=divided, runs=divided * per_device)


def recorded(execution: Execution) -> dict[str, int]:
    """What a record says of it."""
    return {
        "num_devices": max(execution.spread, execution.divided),
        "runs_at_once": execution.runs,
    }

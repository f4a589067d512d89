"""On which devices a program's runs are executed, and how many at once."""

import os
from typing import NamedTuple

import jax

from jaxfr.devices import num_cores
from jaxfr.errors import InvalidInputError

# Each device of a CPU holds its own copy of the data, so not all of many cores are used
# unless somebody asks for them.
MOST_CPU_DEVICES = 8

# Runs side by side on one GPU, unless memory allows fewer.
RUNS_PER_GPU = 16


class Execution(NamedTuple):
    """How runs are executed.

    Attributes:
        spread: over how many devices each run is spread.
        divided: among how many devices the runs are divided; one of the two is 1.
        runs: how many runs at once.
    """

    spread: int
    divided: int
    runs: int


def start_devices(wanted: int) -> int:
    """Starts JAX with the wanted number of devices and returns it.

    To be called before anything else starts JAX.

    Args:
        wanted: number of devices; 0 for all, on a CPU ``MOST_CPU_DEVICES`` at most.

    Raises:
        InvalidInputError: if there are fewer.
    """
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        # Of no effect where JAX runs on GPUs.
        jax.config.update(
            "jax_num_cpu_devices", wanted or min(num_cores(), MOST_CPU_DEVICES)
        )
    available = jax.device_count()
    if wanted > available:
        kind = jax.devices()[0].device_kind
        raise InvalidInputError(f"num_devices={wanted}: JAX has {available} ({kind})")
    return wanted or available


def plan_execution(num_runs: int, devices: int, at_once: int = 0) -> Execution:
    """Decides how runs are executed.

    Args:
        num_runs: how many there are of one program.
        devices: number of devices to use.
        at_once: how many runs at once; 0 for what suits the platform.

    Raises:
        InvalidInputError: if the devices do not divide ``at_once``.
    """
    on_cpu = jax.default_backend() == "cpu"
    if num_runs == 1 and at_once <= 1:
        spread = devices if on_cpu else 1
        return Execution(spread=spread, divided=1, runs=1)
    if at_once:
        divided = min(devices, at_once)
        if at_once % divided:
            raise InvalidInputError(
                f"runs_at_once={at_once}: must be a multiple of the {divided} devices"
            )
        return Execution(spread=1, divided=divided, runs=at_once)
    divided = min(devices, num_runs)
    per_device = 1 if on_cpu else min(RUNS_PER_GPU, -(-num_runs // divided))
    return Execution(spread=1, divided=divided, runs=divided * per_device)


def recorded(execution: Execution) -> dict[str, int]:
    """What a record says of it."""
    return {
        "num_devices": max(execution.spread, execution.divided),
        "runs_at_once": execution.runs,
    }

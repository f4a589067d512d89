"""Several processes that do one piece of work together, such as one for each host.

All run the same program on the same data, and each owns some of the devices. Process 0
leads: what depends on the world outside, such as files, it decides for all.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxfr.errors import InvalidInputError
from jaxfr.files import note

T = TypeVar("T")


class Processes(NamedTuple):
    """How this process finds the others.

    Attributes:
        coordinator_address: host and port that process 0 listens on; None where JAX
            finds all of it in the environment, as under Slurm.
        num_processes: how many there are, None as above.
        process_id: which one this is, from 0; None as above.
    """

    coordinator_address: str | None
    num_processes: int | None
    process_id: int | None


def join_processes(processes: Processes) -> None:
    """Waits for all processes; to be called before anything else starts JAX.

    Raises:
        InvalidInputError: if they do not find together.
    """
    try:
        jax.distributed.initialize(*processes)
    except (RuntimeError, ValueError) as error:
        raise InvalidInputError(
            f"coordinator_address={processes.coordinator_address}: {error}"
        ) from None


def is_leader() -> bool:
    """Whether this process is the one that reads and writes for all."""
    return jax.process_index() == 0


def leader_note(text: str) -> None:
    """Tells the user something, in process 0 only; may be called before JAX starts."""
    if not jax.distributed.is_initialized() or is_leader():
        note(text)


def agree(decide: Callable[[], T]) -> T:
    """What process 0 decides, in every process.

    Args:
        decide: makes what JSON can hold (lists, not tuples); called by process 0 only.
    """
    if jax.process_count() == 1:
        return decide()
    text = np.frombuffer(json.dumps(decide() if is_leader() else None).encode(), "u1")
    size = int(multihost_utils.broadcast_one_to_all(np.int32(text.size)))
    told = np.zeros(size, np.uint8)
    if is_leader():
        told[:] = text
    return json.loads(bytes(np.asarray(multihost_utils.broadcast_one_to_all(told))))


def fetch(array: Any) -> np.ndarray:
    """The whole of an array, in every process, also where it lies on many hosts."""
    if isinstance(array, jax.Array) and not array.is_fully_addressable:
        return np.asarray(multihost_utils.process_allgather(array, tiled=True))
    return np.asarray(array)

"""Several processes that do one piece of work together, such as one for each host.

All run the same program on the same data, and each owns some of the devices. Process 0
leads: what depends on the world outside, such as files, it decides for all.
"""

import atexit
import contextlib
import faulthandler
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, TypeVar

import jax
import numpy as np
from jax._src import distributed  # its client is not public
from jax.experimental import multihost_utils

from jaxfr.errors import InvalidInputError
from jaxfr.stopping import leave
from jaxfr.terminal import note

T = TypeVar("T")

_PREEMPTION = "jax_enable_preemption_service"

# Hosts of a cluster do not start at the same moment.
SECONDS_TO_WAIT = 300

# What the libraries under JAX say when another process is gone.
_SIGNS_OF_LOSS = (
    "gloo",
    "nccl",
    "connection closed",
    "connection reset",
    "unavailable",
)

# Under which name JAX's coordination service tells all processes that one ended early,
# how often they ask, and how long that one stays so that they hear it.
_END = "jaxfr/end"
_MILLISECONDS_BETWEEN_LOOKS = 200
_SECONDS_TO_BE_HEARD = 1.0


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
    if processes.coordinator_address is not None:
        host, port = host_and_port(processes.coordinator_address)
        if processes.process_id == 0:
            _check_port_is_free(processes.coordinator_address, port)
        else:
            _wait_for_leader(processes.coordinator_address, host, port)
    # JAX would take SIGTERM for itself, to tell of preemptions that nobody asks for.
    if hasattr(jax.config, _PREEMPTION):  # older versions do not ask
        jax.config.update(_PREEMPTION, False)
    try:
        jax.distributed.initialize(*processes)
    except (RuntimeError, ValueError) as error:
        raise InvalidInputError(
            f"coordinator_address={processes.coordinator_address}: {error}"
        ) from None
    # Where process 0 is killed, JAX aborts the others; their stacks tell nothing.
    faulthandler.disable()
    if distributed.global_state.process_id != 0:
        _listen_for_the_end()


def host_and_port(address: str) -> tuple[str, int]:
    """Takes the address of process 0 apart.

    Raises:
        InvalidInputError: if it is not host:port, or the port is none.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise InvalidInputError(
            f"coordinator_address={address}: must be host:port, the port a number "
            "from 1 to 65535"
        )
    return host.strip("[]"), int(port)


def _check_port_is_free(address: str, port: int) -> None:
    """Refuses a port that JAX cannot listen on: it would end the process."""
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        socket.create_server(("", port), family=family, dualstack_ipv6=both).close()
    except OSError as error:
        raise InvalidInputError(
            f"coordinator_address={address}: process 0 cannot listen on port {port}: "
            f"{error.strerror or error}"
        ) from None


def _wait_for_leader(address: str, host: str, port: int) -> None:
    """Waits until process 0 listens; JAX's own wait would not hear Ctrl-C."""
    until = time.monotonic() + SECONDS_TO_WAIT
    while True:
        try:
            socket.create_connection((host, port), timeout=10).close()
            return
        except OSError as error:
            unknown = isinstance(error, socket.gaierror)
            if unknown or time.monotonic() > until:
                raise InvalidInputError(
                    f"coordinator_address={address}: process 0 cannot be reached: "
                    f"{error.strerror or error}"
                ) from None
        time.sleep(0.2)


def _listen_for_the_end() -> None:
    """Ends this process, wherever it is, when another one ends early.

    It keeps nothing that would have to be cleaned up. Process 0 does, and ends when it
    finds the others gone.
    """
    finished = threading.Event()

    def listen() -> None:
        while not finished.is_set():
            told = end_of_others()
            if told is not None:
                leave(f"\nerror: {told}", 1)  # behind a bar of progress

    def stop_listening() -> None:
        finished.set()
        listener.join()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    atexit.register(stop_listening)


def _service() -> Any:
    """What all processes can ask and tell, after ``join_processes``."""
    return distributed.global_state.client


def end_of_others() -> str | None:
    """Which other process ended early, and its last line; None if none did."""
    try:
        told = _service().blocking_key_value_get(_END, _MILLISECONDS_BETWEEN_LOOKS)
    except jax.errors.JaxRuntimeError:
        return None
    process, line = json.loads(told)
    own = process == distributed.global_state.process_id
    return None if own else f"process {process} ended: {line}"


def leave_together(line: str, code: int) -> NoReturn:
    """Ends this process as ``leave`` does, and the others that work with it."""
    own = distributed.global_state.process_id
    # Another process may have been the first.
    with contextlib.suppress(jax.errors.JaxRuntimeError):
        _service().key_value_set(_END, json.dumps([own, line]))
    if own == 0:  # what it said is gone with it
        time.sleep(_SECONDS_TO_BE_HEARD)
    leave(line, code)


def has_lost_others(error: BaseException) -> bool:
    """Whether an error comes from the end of another process."""
    text = str(error).lower()
    return jax.distributed.is_initialized() and any(
        sign in text for sign in _SIGNS_OF_LOSS
    )


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

    Raises:
        InvalidInputError: in every process, if ``decide`` does.
    """
    if jax.process_count() == 1:
        return decide()
    decided = _tell(_try(decide) if is_leader() else None)
    if "error" in decided:
        raise InvalidInputError(decided["error"])
    return decided["value"]


def _try(decide: Callable[[], Any]) -> dict[str, Any]:
    """What was decided, or why nothing could be."""
    try:
        return {"value": decide()}
    except InvalidInputError as error:
        return {"error": str(error)}


def _tell(decided: Any) -> Any:
    """What process 0 has, in every process."""
    text = np.frombuffer(json.dumps(decided).encode(), "u1")
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

"""Timing side by side, peak memory, and what the machine can do at most."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.jax_settings import find_devices
from jaxfr.stopping import deaf_children

T = TypeVar("T")

Timed: TypeAlias = Callable[[], float]
"""Does some work, and says how many seconds it took."""

# Far beyond any cache: 256 MB, and 1 GB on an accelerator.
_COPIED_NUMBERS, _ACCELERATOR_COPIED = 1 << 26, 1 << 28
_MATRIX_SIZE, _ACCELERATOR_MATRIX = 1024, 8192
_LIMIT_REPEATS = 7


@contextlib.contextmanager
def fresh_processes(number: int = 1) -> Iterator[Callable[..., Future[Any]]]:
    """Starts processes that inherit nothing, ``number`` at most; kills them in the end.

    Yields a function that calls another in one of them, as ``submit`` of an executor.
    """
    fresh = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(number, mp_context=fresh)

    def submit(function: Callable[..., T], *arguments: object) -> Future[T]:
        with deaf_children():
            return pool.submit(function, *arguments)

    try:
        yield submit
    finally:
        for child in multiprocessing.active_children():
            child.kill()
        pool.shutdown()


def call_apart(
    function: Callable[..., T], *arguments: object, seconds: float | None = None
) -> T:
    """Calls a function in a fresh process, which ends with the call.

    Raises:
        BrokenProcessPool: if the process dies.
        TimeoutError: if it is killed, after so many ``seconds``.
        Exception: what the function raises.
    """
    with fresh_processes() as submit:
        return submit(function, *arguments).result(seconds)


def timed(call: Callable[[], object]) -> Timed:
    """The same call, which says how long it took."""

    def timed_call() -> float:
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    return timed_call


def time_alternating(
    contestants: Mapping[str, Timed], repeats: int, most_seconds: float | None = None
) -> dict[str, list[float]]:
    """Times calls in turn, so that a slow minute of the machine meets all of them.

    Each is called once before any call counts, and then ``repeats`` times; no turn
    begins after ``most_seconds``. Seconds of every call in their order, by name.
    """
    for call in contestants.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    began = time.perf_counter()
    for turn in range(repeats):
        spent = time.perf_counter() - began
        if turn and most_seconds is not None and spent > most_seconds:
            break
        for name, call in contestants.items():
            seconds[name].append(call())
    return seconds


def spread(values: Sequence[float], factor: float = 1.0) -> dict[str, float]:
    """``median``, ``min`` and ``max`` of some values, times ``factor``."""
    return {
        "median": factor * statistics.median(values),
        "min": factor * min(values),
        "max": factor * max(values),
    }


def ratios(ours: Sequence[float], reference: Sequence[float]) -> dict[str, float]:
    """The ``median`` of ours over that of a reference; ``min``, ``max`` of pairs."""
    paired = [mine / other for mine, other in zip(ours, reference, strict=True)]
    of_medians = statistics.median(ours) / statistics.median(reference)
    return spread(paired) | {"median": of_medians}


def peak_memory() -> int:
    """The most bytes that were ever in memory: the accelerator's, or this process's."""
    on_device = find_devices()[0].memory_stats()
    if on_device is not None:
        return on_device["peak_bytes_in_use"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def machine_limits() -> dict[str, Any]:
    """Measures what one call can do, the median of seven.

    On a CPU these are calls of NumPy: a copy of 256 MB on one thread, and a float32
    product of 1024^3 on the threads of its BLAS. On an accelerator they are calls of
    JAX: a copy of 1 GB, and a product of 8192^3 in full float32. Copies count what is
    read and written together.
    """
    on_cpu = find_devices()[0].platform == "cpu"
    numbers = _COPIED_NUMBERS if on_cpu else _ACCELERATOR_COPIED
    size = _MATRIX_SIZE if on_cpu else _ACCELERATOR_MATRIX
    calls = _numpy_calls(numbers, size) if on_cpu else _jax_calls(numbers, size)
    timed_calls = {name: timed(call) for name, call in calls.items()}
    seconds = time_alternating(timed_calls, _LIMIT_REPEATS)
    copy, matrix = (statistics.median(taken) for taken in seconds.values())
    return {
        "copy_gigabytes_per_second": 2 * 4 * numbers / copy / 1e9,
        "matrix_gigaflops": 2 * size**3 / matrix / 1e9,
        "copy_seconds": seconds["copy"],
        "matrix_seconds": seconds["matrix"],
        "cores": os.cpu_count() or 1,
    }


def _numpy_calls(numbers: int, size: int) -> dict[str, Callable[[], object]]:
    source = np.ones(numbers, np.float32)
    target = np.zeros_like(source)
    left = np.ones((size, size), np.float32)
    product = np.zeros_like(left)
    return {
        "copy": lambda: np.copyto(target, source),
        "matrix": lambda: np.matmul(left, left, out=product),
    }


def _jax_calls(numbers: int, size: int) -> dict[str, Callable[[], object]]:
    source, left = jnp.ones(numbers), jnp.ones((size, size))
    # A copy alone might be none.
    copied = jax.jit(lambda values: values + 1)
    product = jax.jit(lambda a: jnp.matmul(a, a, precision=jax.lax.Precision.HIGHEST))
    return {
        "copy": lambda: copied(source).block_until_ready(),
        "matrix": lambda: product(left).block_until_ready(),
    }


def bytes_per_pair(embedding_dim: int) -> int:
    """Bytes that a round of the mean moves for a pair if no cache helped.

    A pair reads three embeddings and three ids, and adds to three sums, each of which
    is read and written back: nine rows of d float32 and three int32. Tables that fit a
    cache move less; a median moves more, and is held against the same line.
    """
    return 9 * 4 * embedding_dim + 3 * 4


def operations_per_pair(embedding_dim: int) -> int:
    """Floating-point operations of a round of the mean for a pair.

    The difference of two items (d) and its product with the user (2 d), and three
    scaled rows added to sums (2 d each).
    """
    return 9 * embedding_dim

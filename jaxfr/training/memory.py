"""How much memory is free, and how much is held: GPU, machine and container."""

import math
import os
import pathlib
from collections.abc import Iterator

import jax

from jaxfr.errors import InvalidInputError
from jaxfr.platforms import on_cpu

_PROC = pathlib.Path("/proc")
_GROUPS = pathlib.Path("/sys/fs/cgroup")


def available_memory(
    proc: pathlib.Path = _PROC, groups: pathlib.Path = _GROUPS
) -> int | None:
    """Bytes that this process may still take; None where unknown.

    Those of the GPU, or of the machine and of the control groups that the process is
    in, such as a container or a job of a cluster: the smaller counts.

    Args:
        proc: where Linux shows processes.
        groups: where it shows control groups.
    """
    statistics = jax.local_devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        return statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)
    found = [_free_on_machine(proc), *_free_in_groups(proc, groups)]
    known = [free for free in found if free is not None]
    return max(0, min(known)) if known else None


def _free_on_machine(proc: pathlib.Path) -> int | None:
    try:
        text = (proc / "meminfo").read_text(encoding="ascii")
        return int(_numbers(text)["MemAvailable:"]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None


def _free_in_groups(proc: pathlib.Path, groups: pathlib.Path) -> Iterator[int]:
    """What each group with a limit has left; a group is bound by those around it."""
    try:
        lines = (proc / "self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            names = ("memory.max", "memory.current", "inactive_file")
            root = groups
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
            names += ("total_inactive_file",)
            root = groups / "memory"
        else:
            continue
        # A container may see its own group as the root, and not by its path.
        inside = root / path.strip("/")
        for folder in (inside, *inside.parents):
            free = _free_in(folder, *names)
            if free is not None:
                yield free
            if folder == root:
                break


def _free_in(folder: pathlib.Path, limit: str, used: str, cached: str) -> int | None:
    """What is left of a group's limit; files that are cached give way."""
    try:
        most = int((folder / limit).read_text())  # "max" is none
        taken = int((folder / used).read_text())
        return (
            most - taken + int(_numbers((folder / "memory.stat").read_text())[cached])
        )
    except (OSError, KeyError, ValueError):
        return None


def _numbers(text: str) -> dict[str, str]:
    """The second word of each line, by the first."""
    return {line.split()[0]: line.split()[1] for line in text.splitlines() if line}


def held_bytes(arrays: object) -> int:
    """Bytes of a pytree of arrays on this process's devices, all copies counted."""
    return sum(
        shard.data.nbytes
        for array in jax.tree.leaves(arrays)
        for shard in array.addressable_shards
    )


def check_room(kept: object, devices: int) -> None:
    """Refuses a run whose embeddings, draws and states alone do not fit into memory.

    What a round needs besides is known once it is compiled (see ``memory_need``); sizes
    that are far too large end before that, in an error of the compiler or in none.

    Args:
        kept: shapes and types of all that one run keeps, a pytree.
        devices: over how many it is spread; those of one CPU share its memory.

    Raises:
        InvalidInputError: names the largest of them, and the bytes.
    """
    shapes = [leaf.shape for leaf in jax.tree.leaves(kept)]
    need = sum(4 * math.prod(shape) for shape in shapes)
    need //= jax.process_count() if on_cpu() else devices
    available = available_memory()
    if available is not None and need > available:
        largest = max(shapes, key=math.prod)
        raise InvalidInputError(
            f"a run keeps {need / 1e9:.2f} GB, for one the numbers "
            f"{list(largest)}, and {available / 1e9:.2f} GB are free; use less data or "
            "a smaller embedding_dim, neighbours_per_item or pseudo_items"
        )

"""Compiled programs that outlast their process: JAX's persistent cache, made safe.

An entry of JAX's cache is machine code. JAX names it by a hash of the program, jaxlib's
version, the backend with its version, XLA_FLAGS, the compiler's options and what the
backend tells of its devices (jax/_src/cache_key.py). That leaves out what matters to a
folder that several machines share: the number of threads that CPU code is cut for, and
the CPU's features as far as XLA does not tell them; and Python 3.14 packs its entries
in another way under the same name. So entries lie in a subfolder that is named after
all of these, and a machine meets only entries that it could have made itself.
"""

import contextlib
import glob
import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import tempfile
import warnings
import zlib
from typing import Any, NamedTuple

import jax
import jaxlib.version

from jaxfr.data.fetch import cache_dir
from jaxfr.devices import num_cores
from jaxfr.errors import InvalidInputError
from jaxfr.files import note, user_path

FOLDER = "compiled"
OFF = ("", "none")

# All entries together; one configuration takes half a megabyte. JAX's own limit needs
# a further package and locks the folder for every read.
MAX_BYTES = 512 * 2**20

# JAX's settings, unless the environment has them. Programs take seconds to compile; a
# hundred small pieces around them take milliseconds and would only be litter. XLA's own
# caches are left out: their paths enter JAX's hash, so that a folder would be of no
# use under another path, and XLA's autotuning writes files that this module cannot
# bound.
_SETTINGS = {
    "jax_persistent_cache_min_compile_time_secs": 0.5,
    "jax_persistent_cache_enable_xla_caches": "none",
}

# What JAX says when an entry cannot be read; the name is that of the jitted function,
# with which the names of its entries begin.
_DAMAGE = "Error reading persistent compilation cache entry for '([^']+)'"

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PREFIX = "jax-"
_CPU_INFORMATION = pathlib.Path("/proc/cpuinfo")
_GPU_INFORMATION = pathlib.Path("/proc/driver/nvidia/gpus")
# What tells one CPU from another, on x86 and on ARM.
_CPU_FIELDS = (
    *("vendor_id", "cpu family", "model", "model name", "stepping", "flags"),
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part"),
    *("CPU revision", "Features"),
)


class MachineFacts(NamedTuple):
    """What decides whether a machine can use another one's compiled programs.

    Attributes:
        jax: JAX's version.
        jaxlib: jaxlib's version.
        python: the implementation and the version up to the minor one.
        system: the operating system and the architecture.
        platform: what JAX computes on: ``cpu``, or a plugin or ``JAX_PLATFORMS``.
        plugins: names and versions of JAX's plugins for other devices.
        threads: number of threads that XLA cuts CPU code for.
        cpu: the CPU's model, with all its feature flags.
        accelerators: models of the GPUs.
    """

    jax: str
    jaxlib: str
    python: str
    system: str
    platform: str
    plugins: tuple[str, ...]
    threads: int
    cpu: tuple[str, ...]
    accelerators: tuple[str, ...]


def enable_compilation_cache(folder: str | None = None) -> pathlib.Path | None:
    """Turns the persistent compilation cache on, before anything is compiled.

    Starts no backend: devices may still be configured afterwards. A cache that cannot
    be written is no error; the user is told in one line, and everything is compiled.
    A damaged entry, as one whose writer was killed, is removed and made anew.

    Args:
        folder: folder of the cache, which machines may share; one of ``OFF`` for no
            cache; None for the one that the user named to JAX
            (``JAX_COMPILATION_CACHE_DIR``), which is used as it is, or else for
            ``compiled`` in jaxfr's cache folder.

    Returns:
        The folder that holds this machine's entries, or None without a cache.
    """
    if folder is not None and folder.strip().lower() in OFF:
        jax.config.update("jax_enable_compilation_cache", False)
        return None
    if not jax.config.values["jax_enable_compilation_cache"]:
        return None
    chosen = jax.config.values["jax_compilation_cache_dir"]
    if folder is None and chosen:
        return pathlib.Path(chosen)
    try:
        root = user_path(folder) if folder else cache_dir() / FOLDER
        path = root.absolute() / folder_name(machine_facts())
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
        drop_oldest_entries(root, MAX_BYTES)
    except (OSError, InvalidInputError) as error:  # the latter where there is no home
        note(
            f"jaxfr: no compilation cache ({error}); --compilation_cache_dir names "
            "another folder"
        )
        return None
    jax.config.update("jax_compilation_cache_dir", str(path))
    for name, value in _SETTINGS.items():
        if name.upper() not in os.environ:
            jax.config.update(name, value)
    _repair_when_warned(path)
    return path


def folder_name(facts: MachineFacts) -> str:
    """Names the subfolder of a machine: readable, and unique by a hash of all facts."""
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    models = [line for line in facts.cpu if line.startswith("model name")]
    processor = models[0].partition(":")[2] if models else facts.system
    words = (facts.jax, "jaxlib", facts.jaxlib, facts.platform, processor)
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(words))
    return f"{_PREFIX}{readable[:70]}-{facts.threads}-threads-{digest[:16]}"


def machine_facts() -> MachineFacts:
    """Finds the facts of this process, without starting any of JAX's backends."""
    plugins = tuple(
        sorted(
            f"{plugin.name} {plugin.dist.version if plugin.dist else ''}"
            for plugin in importlib.metadata.entry_points(group="jax_plugins")
        )
    )
    # The first one is what JAX computes on; without a setting a plugin comes first.
    named = (jax.config.values["jax_platforms"] or "").split(",")[0]
    installed = plugins[0].split()[0] if plugins else "cpu"
    return MachineFacts(
        jax=jax.__version__,
        jaxlib=jaxlib.version.__version__,
        python=".".join((platform.python_implementation(), *_python_version())),
        system=f"{platform.system()}-{platform.machine()}",
        platform=named or installed,
        plugins=() if named == "cpu" else plugins,
        threads=_num_threads(),
        cpu=_describe_cpu(),
        accelerators=_describe_gpus(),
    )


def drop_oldest_entries(root: pathlib.Path, max_bytes: int) -> None:
    """Removes the entries that were unused for longest, until the others fit.

    Goes through the subfolders of all machines and versions, since those of a version
    that is gone are never used again; touches no other file.

    Args:
        root: the folder of the cache.
        max_bytes: size of all entries that may stay.
    """
    entries = []
    for path in root.glob(f"{_PREFIX}*/*-cache"):
        # Another process may remove it at the same time.
        with contextlib.suppress(OSError):
            status = path.stat()
            # A file system that keeps no time of access leaves the time of writing.
            last_used = max(status.st_atime, status.st_mtime)
            entries.append((last_used, status.st_size, path))
    excess = sum(size for _, size, _ in entries) - max_bytes
    for _, size, path in sorted(entries):
        if excess <= 0:
            break
        with contextlib.suppress(OSError):
            path.unlink()
            excess -= size


def remove_damaged_entries(folder: pathlib.Path, function: str) -> int:
    """Removes the entries of a jitted function that do not unpack; how many.

    JAX does not replace an entry that is there, so a damaged one would be read, warned
    of and compiled around at every start.

    Args:
        folder: the folder of this machine's entries.
        function: the name with which the names of the entries begin.
    """
    removed = 0
    for path in folder.glob(f"{glob.escape(function)}-*-cache"):
        with contextlib.suppress(OSError):
            if _is_damaged(path.read_bytes()):
                path.unlink()
                removed += 1
    return removed


def _is_damaged(entry: bytes) -> bool:
    if entry.startswith(_ZSTD_MAGIC):
        # JAX packs so where it finds zstandard, which this module does not ask for:
        # where JAX complains of such entries, all of them are made anew.
        return True
    try:
        zlib.decompress(entry)
    except zlib.error:
        return True
    return False


def _repair_when_warned(folder: pathlib.Path) -> None:
    """Mends the cache where JAX warns of it, instead of showing the warning."""
    warnings.filterwarnings("always", message=_DAMAGE)
    show = warnings.showwarning

    def repair_or_show(
        message: Warning | str, category: type[Warning], *place: Any
    ) -> None:
        damage = re.match(_DAMAGE, str(message))
        if damage is None or not remove_damaged_entries(folder, damage[1]):
            show(message, category, *place)
        else:
            note(f"jaxfr: {folder}: a damaged program was removed; compiling it anew")

    warnings.showwarning = repair_or_show


def _python_version() -> tuple[str, str]:
    major, minor, _ = platform.python_version_tuple()
    return major, minor


def _num_threads() -> int:
    """Threads of XLA's CPU backend, by the variables and in the order it reads them."""
    for name in ("PJRT_NPROC", "NPROC"):
        value = os.environ.get(name, "")
        if value.isdecimal():
            return int(value)
    return num_cores()


def _describe_cpu() -> tuple[str, ...]:
    """All distinct lines that tell the CPU's kind, of all its cores."""
    try:
        text = _CPU_INFORMATION.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    lines = {" ".join(line.split()) for line in text.splitlines()}
    known = {line for line in lines if line.partition(":")[0].strip() in _CPU_FIELDS}
    if any(line.startswith(("flags", "Features")) for line in known):
        return tuple(sorted(known))
    # The features are not to be had here, so nothing is shared with other machines.
    return (platform.processor(), platform.node())


def _describe_gpus() -> tuple[str, ...]:
    """Distinct models of NVIDIA's GPUs, from the driver's files."""
    models = set()
    with contextlib.suppress(OSError):
        for path in _GPU_INFORMATION.glob("*/information"):
            text = path.read_text(encoding="utf-8", errors="replace")
            models |= {line for line in text.splitlines() if line.startswith("Model:")}
    return tuple(sorted(" ".join(model.split()) for model in models))

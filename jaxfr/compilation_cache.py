"""Compiled programs that outlast their process: JAX's persistent cache, made safe.

An entry of JAX's cache is machine code, named by a hash of the program, jaxlib, the
backend, its devices and XLA's flags (``jax/_src/cache_key.py``). Of what a folder that
machines share must tell apart, that leaves out (in jax 0.7.2 as in 0.10.2): how many
threads CPU code is cut for; features of the CPU, as far as XLA does not tell them; and
that Python 3.14 packs entries in another way. So entries lie in a subfolder that is
named after these. Two more things JAX does not do without a further package: bound the
size of the folder, and replace an entry whose writer was killed.
"""

import contextlib
import glob
import hashlib
import json
import os
import pathlib
import platform
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import jax
from jax.experimental.compilation_cache import compilation_cache

from jaxfr.data.fetch import cache_dir
from jaxfr.devices import num_cores
from jaxfr.errors import InvalidInputError
from jaxfr.files import user_path
from jaxfr.terminal import note

FOLDER = "compiled"
OFF = ("", "none")

# All entries together; one configuration takes half a megabyte. JAX's own limit needs
# a further package and locks the folder for every read.
MAX_BYTES = 512 * 2**20

# JAX's settings, unless the environment has them. Programs take seconds to compile; a
# hundred small pieces around them take milliseconds and would only be litter. XLA's own
# caches are left out: their paths enter JAX's hash, so that a folder would be of no
# use under another path, and XLA's autotuning writes files that nobody bounds.
_JAX_OPTIONS = {
    "jax_persistent_cache_min_compile_time_secs": 0.5,
    "jax_persistent_cache_enable_xla_caches": "none",
}

# What JAX says when an entry cannot be read; the name is that of the jitted function,
# with which the names of its entries begin.
_DAMAGE = "Error reading persistent compilation cache entry for '([^']+)'"

# JAX's setting is one of the process. How each that wants the cache off found it; the
# first of them as it is to be again.
_OFF_LOCK = threading.Lock()
_FOUND: list[bool] = []

_PREFIX = "jax-"
_CPU_INFORMATION = pathlib.Path("/proc/cpuinfo")
# What tells one CPU from another, on x86 and on ARM.
_CPU_KIND = re.compile(
    "(vendor_id|cpu family|model|model name|stepping|flags|Features|CPU [a-z]+) ?:"
)


def enable_compilation_cache(folder: str | None = None) -> pathlib.Path | None:
    """Turns the persistent compilation cache on, before anything is compiled.

    Starts no backend: devices may still be configured afterwards. A cache that cannot
    be written is no error; the user is told in one line, and everything is compiled.

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
        path = root.absolute() / machine_folder()
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
    for name, value in _JAX_OPTIONS.items():
        if name.upper() not in os.environ:
            jax.config.update(name, value)
    _remove_what_jax_cannot_read(path)
    return path


@contextlib.contextmanager
def cache_off() -> Iterator[None]:
    """Compiles in between without the cache.

    For programs that are to be written elsewhere: XLA writes no program for the CPU
    whole that it has read itself. Several threads may be in between; the last that
    leaves turns it on again.
    """
    with _OFF_LOCK:
        _FOUND.append(_turn(on=False))
    try:
        yield
    finally:
        with _OFF_LOCK:
            found = _FOUND.pop()
            if not _FOUND:
                _turn(found)


def _turn(on: bool) -> bool:
    """Turns the cache on or off, for all threads; how it was before."""
    before = jax.config.values["jax_enable_compilation_cache"]
    jax.config.update("jax_enable_compilation_cache", on)
    compilation_cache.reset_cache()  # JAX looks at its setting once
    return before


def machine_folder() -> str:
    """Names this machine's subfolder: readable, and unique by a hash of what decides.

    Finds that out without starting any of JAX's backends.
    """
    python = platform.python_implementation(), *platform.python_version_tuple()[:2]
    cpu, threads = describe_cpu(), _num_threads()
    facts = [*python, platform.system(), platform.machine(), threads, *cpu]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    models = [line.partition(":")[2] for line in cpu if line.startswith("model name")]
    processor = re.sub(r"[^A-Za-z0-9.]+", "-", (*models, platform.machine())[0].strip())
    return f"{_PREFIX}{processor[:50]}-{threads}-threads-{digest[:16]}"


def drop_oldest_entries(root: pathlib.Path, max_bytes: int) -> None:
    """Removes the entries that were unused for longest, until the others fit.

    Of all machines, as those of versions that are gone are never used again.
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


def _remove_what_jax_cannot_read(folder: pathlib.Path) -> None:
    """Removes a function's entries where JAX warns of one, instead of warning.

    JAX writes entries in place and never replaces one, so that half of one would be
    read, warned of and compiled around at every start.
    """
    warnings.filterwarnings("always", message=_DAMAGE)
    show = warnings.showwarning

    def remove_or_show(message: Any, category: type[Warning], *place: Any) -> None:
        removed = False
        if damage := re.match(_DAMAGE, str(message)):
            for path in folder.glob(f"{glob.escape(damage[1])}-*-cache"):
                with contextlib.suppress(OSError):
                    path.unlink()
                    removed = True
        if not removed:
            show(message, category, *place)
            return
        tell_of_damage(folder)

    warnings.showwarning = remove_or_show


def tell_of_damage(folder: pathlib.Path) -> None:
    """Says why a program that was kept there is compiled."""
    note(f"jaxfr: {folder}: a damaged program was removed; compiling it anew")


def describe_cpu() -> tuple[str, ...]:
    """All distinct lines that tell the CPU's kind, of all its cores."""
    text = ""
    with contextlib.suppress(OSError):
        text = _CPU_INFORMATION.read_text(encoding="utf-8", errors="replace")
    lines = {" ".join(line.split()) for line in text.splitlines()}
    known = sorted(filter(_CPU_KIND.match, lines))
    if any(line.startswith(("flags", "Features")) for line in known):
        return tuple(known)
    # The features are not to be had here, so nothing is shared with other machines.
    return (platform.processor(), platform.node())


def _num_threads() -> int:
    """Threads of XLA's CPU backend, by the variables and in the order it reads them."""
    values = [os.environ.get(name, "") for name in ("PJRT_NPROC", "NPROC")]
    return next((int(value) for value in values if value.isdecimal()), num_cores())

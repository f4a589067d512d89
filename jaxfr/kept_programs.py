"""Compiled programs that are loaded without being traced first.

JAX's own cache (see ``compilation_cache``) finds a program by its text, which takes it
half a second to write for each. Here programs are found by what their text is made
from: the experiment, the shapes of its arrays, all of this package's code, the versions
beneath it, JAX's settings, devices and machine.
"""

import contextlib
import hashlib
import os
import pathlib
import pickle
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.experimental import serialize_executable
from jax.stages import Compiled

from jaxfr.compilation_cache import cache_off, machine_folder, tell_of_damage
from jaxfr.evaluation.metrics import Metric
from jaxfr.evaluation.names import find_metric
from jaxfr.kept import keep, package_hash, read_kept
from jaxfr.parts import Part

# Where caches are, and when they are written, enters no program.
_CACHES = ("cache_dir", "persistent_cache")

# Instead of programs that JAX or pickle does not write: JAX's own cache serves those.
_CANNOT_BE_WRITTEN = b""


class _UnknownError(Exception):
    """What this is made from cannot be told."""


Structure = Any
"""Of a pytree, as ``jax.tree.structure`` finds it."""


def kept_programs(
    folder: pathlib.Path | None,
    arguments: Sequence[Any],
    make: Callable[[], Sequence[Compiled]],
    taken: Callable[[Sequence[Structure]], Sequence[Sequence[Any]]],
    devices: Sequence[int],
) -> Sequence[Compiled]:
    """Loads programs from a folder, or makes them and keeps them there.

    Those with parts of somebody's own, or of several processes, are always made.

    Args:
        folder: the folder, whose files are machine code, and as trusted as JAX's; None
            for none.
        arguments: all that the programs are made for, first the experiment.
        make: makes them.
        taken: what each program takes, of whichever leaves, from the structure of what
            each returns.
        devices: how many hold a run, and among how many runs are divided.
    """
    if folder is None:
        return make()
    key = _key(arguments, devices)
    if key is None:
        return make()
    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    path = folder / f"programs-{name}-cache"
    content = read_kept(path, key)
    if content == _CANNOT_BE_WRITTEN:
        return make()
    if content is not None:
        # A file of another time may say what today's library cannot read.
        with contextlib.suppress(Exception):
            return _load(content, taken, jax.devices()[: max(devices)])
    if path.exists():  # its name is that of this key
        tell_of_damage(folder)
    with cache_off():
        programs = make()
    content = _CANNOT_BE_WRITTEN
    with contextlib.suppress(Exception):
        content = _written(programs)
    keep(path, key, content)
    return programs


def _written(programs: Sequence[Compiled]) -> bytes:
    parts = [serialize_executable.serialize(one) for one in programs]
    whole = pickle.dumps([(program, returned) for program, _, returned in parts])
    return zlib.compress(whole, level=1)


def _load(
    content: bytes,
    taken: Callable[[Sequence[Structure]], Sequence[Sequence[Any]]],
    devices: Any,
) -> Sequence[Compiled]:
    programs = pickle.loads(zlib.decompress(content))
    of_each = taken([returned for _, returned in programs])
    return [
        serialize_executable.deserialize_and_load(
            program,
            jax.tree.structure(((*given,), {})),
            returned,
            execution_devices=devices,
        )
        for (program, returned), given in zip(programs, of_each, strict=True)
    ]


def _key(arguments: Sequence[Any], devices: Sequence[int]) -> str | None:
    """What programs are found by; None where that cannot be told."""
    if jax.process_count() > 1:
        return None
    experiment, *others = arguments
    structure = jax.tree.structure(experiment)
    blank = jax.tree.unflatten(structure, [0] * structure.num_leaves)
    settings = {
        name: value
        for name, value in jax.config.values.items()
        if not any(cache in name for cache in _CACHES)
    }
    try:
        said = {name: _said(value) for name, value in vars(blank).items()}
    except _UnknownError:
        return None
    return repr(
        (
            said,
            str(jax.tree.structure(others)),
            [
                (leaf.shape, leaf.dtype, leaf.sharding)
                for leaf in jax.tree.leaves(arguments)
            ],
            (devices, [str(one.device_kind) for one in jax.devices()]),
            package_hash(),
            (machine_folder(), jax.devices()[0].client.platform_version),
            (sorted(settings.items()), os.environ.get("XLA_FLAGS")),
        )
    )


def _said(value: Any) -> Any:
    """What a field of an experiment is, in words that tell it from all others."""
    if isinstance(value, Part):
        if value.factory.is_own:
            raise _UnknownError
        made_by = value.factory.function
        values = [_said(one) for one in (*value.values, *value.parts)]
        return made_by.__module__, made_by.__qualname__, values
    if isinstance(value, Metric):
        if value != find_metric(value.name):  # another one may be called the same
            raise _UnknownError
        return value.name
    if isinstance(value, tuple | list):
        return [_said(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise _UnknownError

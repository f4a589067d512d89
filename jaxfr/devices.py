"""One run spread over several devices, such as the cores of a CPU.

Inside :func:`spread` every device holds the same state and works off its own part of
the clients' pairs, and of the items where a rule needs an item's rows side by side.
The functions below join what the parts amount to, and change nothing outside of it: a
function that uses them reads, and works, as if there were one device.
"""

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxfr.blocks import map_in_blocks

Arguments = ParamSpec("Arguments")
T = TypeVar("T")

AXIS = "devices"
RUNS_AXIS = "runs"


def spread(function: Callable[Arguments, T], devices: int) -> Callable[Arguments, T]:
    """Runs ``function`` on so many devices at once, each with all of the arguments.

    Args:
        function: takes and returns pytrees of arrays; its results must be the same on
            all devices.
        devices: number of devices; with one, the function itself is returned.
    """
    if devices == 1:
        return function
    return jax.shard_map(
        function,
        mesh=_mesh(devices, AXIS),
        in_specs=PartitionSpec(),
        out_specs=PartitionSpec(),
        # It cannot see that the joined results agree.
        check_vma=False,
    )


def divide_runs(
    function: Callable[Arguments, T], devices: int, *, shared: int, of_runs: int
) -> Callable[Arguments, T]:
    """Divides many runs among devices, each of which works on its own.

    Args:
        function: takes ``shared`` arguments that all runs share, and then ``of_runs``
            arguments with a leading axis ``[runs]``, which its results have too.
        devices: number of devices, divides the number of runs.
        shared: how many arguments are shared.
        of_runs: how many have the axis of runs.
    """
    if devices == 1:
        return function
    whole, part = PartitionSpec(), PartitionSpec(RUNS_AXIS)
    return jax.shard_map(
        function,
        mesh=_mesh(devices, RUNS_AXIS),
        in_specs=(*[whole] * shared, *[part] * of_runs),
        out_specs=part,
        check_vma=False,
    )


def replicate(values: T, devices: int) -> T:
    """Copies arrays to each of the devices, once instead of in each call."""
    if devices == 1:
        return values
    return jax.device_put(values, NamedSharding(_mesh(devices, AXIS), PartitionSpec()))


def num_cores() -> int:
    """Cores of the CPU that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _mesh(devices: int, axis: str) -> Mesh:
    return Mesh(np.array(jax.devices()[:devices]), (axis,))


def num_devices() -> int:
    """Over how many devices the calling code is spread; 1 outside ``spread``."""
    try:
        return jax.lax.axis_size(AXIS)
    except NameError:
        return 1


def device_index() -> Array:
    """Which of the devices this is, from 0, int32 scalar."""
    if num_devices() == 1:
        return jnp.zeros((), jnp.int32)
    return jax.lax.axis_index(AXIS)


def sum_over_devices(value: Array) -> Array:
    """The sum of what each device has."""
    return value if num_devices() == 1 else jax.lax.psum(value, AXIS)


def min_over_devices(value: Array) -> Array:
    """The least of what each device has, number by number."""
    return value if num_devices() == 1 else jax.lax.pmin(value, AXIS)


def max_over_devices(value: Array) -> Array:
    """The largest of what each device has, number by number."""
    return value if num_devices() == 1 else jax.lax.pmax(value, AXIS)


def gather_over_devices(part: Array) -> Array:
    """The devices' parts in a row, ``[k, ...]`` to ``[devices * k, ...]``."""
    if num_devices() == 1:
        return part
    return jax.lax.all_gather(part, AXIS, tiled=True)


def own_part(whole: Array) -> Array:
    """This device's part of an array whose length the number of devices divides."""
    devices = num_devices()
    if devices == 1:
        return whole
    size, rest = divmod(whole.shape[0], devices)
    assert rest == 0
    return jax.lax.dynamic_slice_in_dim(whole, device_index() * size, size)


def map_over_devices(function: Callable[..., T], block: int, *arguments: object) -> T:
    """``map_in_blocks``, each device working off a share of the members.

    Shares are of one size, so the last ones may do the last member again.

    Args:
        function: takes one member of each argument.
        block: members in a block, at least 1.
        *arguments: pytrees of arrays with one leading axis, the same on all devices.

    Returns:
        What the function returns of all members, on all devices.
    """
    number = jax.tree.leaves(arguments)[0].shape[0]
    share = -(-number // num_devices())
    own = jnp.minimum(device_index() * share + jnp.arange(share), number - 1)
    found = map_in_blocks(
        function, block, *jax.tree.map(lambda leaf: leaf[own], arguments)
    )
    return jax.tree.map(lambda leaf: gather_over_devices(leaf)[:number], found)

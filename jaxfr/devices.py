"""One run spread over several devices: cores of a CPU, accelerators, other hosts.

Inside :func:`spread` every device holds its own clients and what belongs to them, and a
copy of what belongs to items. The functions below join what the devices' parts amount
to, and change nothing outside of it: a function that uses them reads, and works, as if
there were one device.

Derivatives are those of the run on one device, too, taken inside of ``spread`` or of
the spread function. A derivative with respect to a device's own part is its own; one
with respect to what all devices have the same of, or of that, is whole and the same on
all. What is the same on all and meets what is a device's own (an item's embedding in a
row of a client) goes through :func:`for_own_part` first; the joins do the rest. In
short: the transpose of a sum is ``for_own_part``, and the other way round; that of
``gather_over_devices`` is ``own_part``, and the other way round.
"""

import os
from collections.abc import Callable
from typing import (
    Annotated,
    Any,
    NamedTuple,
    ParamSpec,
    TypeVar,
    get_type_hints,
)

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxfr.blocks import map_in_blocks
from jaxfr.linear import linear

Arguments = ParamSpec("Arguments")
T = TypeVar("T")

# Of names that nobody else gives an axis: whoever maps a run over an axis "devices" of
# their own, such as one of seeds, does not want its members joined.
AXIS = "jaxfr devices"
RUNS_AXIS = "jaxfr runs"

WHOLE = PartitionSpec()
"""All devices hold the same."""
OWN = PartitionSpec(AXIS)
"""Each device holds its own part; outside, these stand one behind the other."""


Own = Annotated[T, OWN]
"""Marks a field of a NamedTuple as one of which each device has its own part.

>>> class Kept(NamedTuple):
...     embeddings: Own[Array]  # of this device's clients
...     scores: Array  # the same on all devices
"""


def placement(values: Any) -> Any:
    """How a pytree lies on the devices, by the marks of its NamedTuples.

    Args:
        values: the pytree, or the type of a NamedTuple, in which then all that is no
            NamedTuple either counts as the same on all devices.

    Returns:
        ``OWN`` for each field that is marked with :data:`Own`; of all else what is
        found deeper down, and in the end ``WHOLE``. It is a prefix of the values.
    """
    kind: Any = values if isinstance(values, type) else type(values)
    if hasattr(kind, "_fields"):
        hints = _field_types(kind)
        branches = hints.values() if isinstance(values, type) else values
        return kind._make(
            OWN if OWN in getattr(hint, "__metadata__", ()) else placement(branch)
            for hint, branch in zip(hints.values(), branches, strict=True)
        )
    if isinstance(values, dict):
        return {name: placement(branch) for name, branch in values.items()}
    if isinstance(values, tuple | list):
        return kind(map(placement, values))
    return WHOLE


def _field_types(kind: Any) -> dict[str, Any]:
    try:
        return get_type_hints(kind, include_extras=True)
    except NameError:
        # Optax names types of chex that exist for type checkers only.
        if any("Own[" in str(hint) for hint in kind.__annotations__.values()):
            raise
        return kind.__annotations__


def spread(
    function: Callable[Arguments, T], devices: int, arguments: Any, results: Any
) -> Callable[Arguments, T]:
    """Runs ``function`` on so many devices at once.

    Args:
        function: takes and returns pytrees of arrays.
        devices: number of devices; with one, the function itself is returned.
        arguments: the placement of each argument, a tuple.
        results: that of the results; those that are ``WHOLE`` must be the same on all
            devices.
    """
    if devices == 1:
        return function

    # JAX gives each device a part of the cotangent of a result that is the same on all,
    # and sums those of such an argument; here each is whole.
    def with_whole_cotangents(*given: Arguments.args, **_: Arguments.kwargs) -> T:
        within: Callable[..., T] = function
        found = within(*_map_whole(_divide_cotangent, arguments, given))
        return _map_whole(_multiply_cotangent, results, found)

    return jax.shard_map(
        with_whole_cotangents,
        mesh=_mesh(devices, AXIS),
        in_specs=arguments,
        out_specs=results,
        # It cannot see that the joined results agree.
        check_vma=False,
    )


def _map_whole(change: Callable[[Array], Array], placements: Any, values: Any) -> Any:
    """Changes the arrays that are ``WHOLE``."""

    def of_branch(where: PartitionSpec, branch: Any) -> Any:
        return jax.tree.map(change, branch) if where == WHOLE else branch

    return jax.tree.map(of_branch, placements, values, is_leaf=_is_spec)


def _is_spec(node: Any) -> bool:
    return isinstance(node, PartitionSpec)


def _same(value: Array) -> Array:
    return value


def _divide_cotangent(value: Array) -> Array:
    return linear(_same, lambda cotangent: cotangent / num_devices(), value)


def _multiply_cotangent(value: Array) -> Array:
    return linear(_same, lambda cotangent: cotangent * num_devices(), value)


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


def place(values: T, placements: Any, devices: int) -> T:
    """Puts arrays where :func:`spread` expects them, once instead of in each call.

    Args:
        values: a pytree of arrays, the same in all processes.
        placements: ``OWN`` or ``WHOLE``, of all of it or of its branches.
        devices: number of devices; with one, the values stay where they are.
    """
    if devices == 1:
        return values
    mesh = _mesh(devices, AXIS)

    def put(where: PartitionSpec, branch: Any) -> Any:
        sharding = NamedSharding(mesh, where)
        return jax.tree.map(lambda leaf: _put(leaf, sharding), branch)

    return jax.tree.map(put, placements, values, is_leaf=_is_spec)


def replicate(values: T, devices: int) -> T:
    """Copies arrays to each of the devices, once instead of in each call."""
    return place(values, WHOLE, devices)


def _put(leaf: Any, sharding: NamedSharding) -> Array:
    """Each process hands its devices their parts, and needs no other's."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        data = _put(jax.random.key_data(leaf), sharding)
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(leaf))
    host = np.asarray(leaf)
    return jax.make_array_from_callback(host.shape, sharding, lambda part: host[part])


def as_int32(values: Any) -> Array:
    """Whole numbers as an array, without a program that is compiled for their shape."""
    return jax.device_put(np.asarray(values, np.int32))


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
    return value if num_devices() == 1 else linear(_psum, for_own_part, value)


def _psum(value: Array) -> Array:
    return jax.lax.psum(value, AXIS)


def for_own_part(value: Array) -> Array:
    """The same value, of all devices, for use with what this device has of its own.

    Each device finds a part of the derivative with respect to it, and these are summed.
    """
    return value if num_devices() == 1 else linear(_same, sum_over_devices, value)


@jax.custom_jvp
def min_over_devices(value: Array) -> Array:
    """The least of what each device has, number by number.

    Devices that have the same share its derivative.
    """
    return value if num_devices() == 1 else jax.lax.pmin(value, AXIS)


@jax.custom_jvp
def max_over_devices(value: Array) -> Array:
    """The largest of what each device has, number by number.

    Devices that have the same share its derivative.
    """
    return value if num_devices() == 1 else jax.lax.pmax(value, AXIS)


def _of_holders(found: Array, value: Array, tangent: Array) -> Array:
    """The tangent of a number found among the devices' values."""
    holds = value == found
    holders = sum_over_devices(holds.astype(tangent.dtype))
    return sum_over_devices(jnp.where(holds, tangent, 0.0)) / holders


@min_over_devices.defjvp
def _of_least(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    found = min_over_devices(*primals)
    return found, _of_holders(found, *primals, *tangents)


@max_over_devices.defjvp
def _of_largest(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    found = max_over_devices(*primals)
    return found, _of_holders(found, *primals, *tangents)


def gather_over_devices(part: Array) -> Array:
    """The devices' parts in a row, ``[k, ...]`` to ``[devices * k, ...]``."""
    return part if num_devices() == 1 else linear(_all_gather, own_part, part)


def _all_gather(part: Array) -> Array:
    return jax.lax.all_gather(part, AXIS, tiled=True)


def exchange_over_devices(parts: Array) -> Array:
    """Brings together what all devices have of some members, each on one device.

    Args:
        parts: what this device has of each member, ``[members, k, ...]``; the number of
            devices divides that of members.

    Returns:
        All that there is of this device's share of the members, that of the first
        device first, ``[members / devices, devices * k, ...]``.
    """
    if num_devices() == 1:
        return parts
    return jax.lax.all_to_all(parts, AXIS, split_axis=0, concat_axis=1, tiled=True)


class Join(NamedTuple):
    """How what the parts of a whole amount to is joined.

    Attributes:
        sum: of what the parts sum up to.
        min: of what is the least in each part.
        max: of what is the largest in each part.
    """

    sum: Callable[[Array], Array]
    min: Callable[[Array], Array]
    max: Callable[[Array], Array]


IN_ONE_PART = Join(_same, _same, _same)
"""Nothing is to be joined."""
OVER_DEVICES = Join(sum_over_devices, min_over_devices, max_over_devices)
"""Each device has a part."""


def own_part(whole: Array) -> Array:
    """This device's part of an array whose length the number of devices divides."""
    if num_devices() == 1:
        return whole
    return linear(_slice_own_part, gather_over_devices, whole)


def _slice_own_part(whole: Array) -> Array:
    size, rest = divmod(whole.shape[0], num_devices())
    assert rest == 0
    return jax.lax.dynamic_slice_in_dim(whole, device_index() * size, size)


def map_over_devices(function: Callable[..., T], block: int, *arguments: object) -> T:
    """``map_in_blocks``, each device working off a share of the members.

    Shares are of one size, so the last ones may do the last member again.

    Args:
        function: takes one member of each argument; what else it reads, and has a
            derivative, is to come from :func:`for_own_part`.
        block: members in a block, at least 1.
        *arguments: pytrees of arrays with one leading axis, the same on all devices.

    Returns:
        What the function returns of all members, on all devices.
    """
    number = jax.tree.leaves(arguments)[0].shape[0]
    share = -(-number // num_devices())
    own = jnp.minimum(device_index() * share + jnp.arange(share), number - 1)
    found = map_in_blocks(
        function, block, *jax.tree.map(lambda leaf: for_own_part(leaf)[own], arguments)
    )
    return jax.tree.map(lambda leaf: gather_over_devices(leaf)[:number], found)

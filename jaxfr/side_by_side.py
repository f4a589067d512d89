"""Runs side by side on one device, as a GPU takes them, and choices that stay ones.

``jax.lax.cond`` of a batch computes both of its sides for every member. Here a side
that hardly any run needs is computed in rounds only in which one does.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.shapes import Bool

T = TypeVar("T")

# Of a name that nobody else gives an axis, as those of jaxfr/devices.py.
_AXIS = "jaxfr runs side by side"


def map_side_by_side(function: Callable[..., T], *runs: object) -> T:
    """``vmap(function)(*runs)``, in which :func:`where_needed` knows of all runs."""
    return jax.vmap(function, axis_name=_AXIS)(*runs)


def where_needed(
    needed: Bool[Array, ""],
    rare: Callable[..., T],
    usual: Callable[..., T],
    *operands: Any,
) -> T:
    """``jax.lax.cond(needed, rare, usual, *operands)``, also for runs side by side.

    If any of them needs ``rare``, all compute both, and each keeps what it needs. If
    none does, only ``usual`` is computed, so that should be the one that costs little.

    >>> where_needed(jnp.array(True), jnp.negative, jnp.abs, jnp.array(2))
    Array(-2, dtype=int32, weak_type=True)
    """
    if not _is_side_by_side():
        return jax.lax.cond(needed, rare, usual, *operands)

    def both(*operands: Any) -> T:
        return jax.tree.map(
            lambda left, right: jnp.where(needed, left, right),
            rare(*operands),
            usual(*operands),
        )

    # A maximum over the axis is the same for all members, so this stays a choice.
    by_any = jax.lax.pmax(needed.astype(jnp.int32), _AXIS) > 0
    return jax.lax.cond(by_any, both, usual, *operands)


def _is_side_by_side() -> bool:
    try:
        jax.lax.axis_size(_AXIS)
    except NameError:
        return False
    return True

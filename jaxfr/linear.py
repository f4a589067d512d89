"""Linear functions that are told what their transpose is.

JAX lets a function say what its reverse derivative is (``custom_vjp``), but it has no
forward derivative then. A primitive of JAX has both.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Function = Callable[[Array], Array]


def linear(function: Function, transpose: Function, value: Array) -> Array:
    """``function(value)``, through which cotangents go back by ``transpose``.

    Args:
        transpose: likewise; takes a cotangent of the outcome to that of the value.
        value: any array; of integers and keys, which have no derivatives, this is just
            ``function(value)``.
    """
    if not jnp.issubdtype(value.dtype, jnp.inexact):
        return function(value)
    program = jax.make_jaxpr(function)(value)
    return _linear.bind(value, program=program, function=function, transpose=transpose)


def _apply(value: Array, *, function: Function, **_: Any) -> Array:
    return function(value)


def _shape(_: Any, *, program: Any, **others: Any) -> Any:
    """The program stands in the operation for readers of programs, too."""
    del others
    (shape,) = program.out_avals
    return shape


def _back(
    cotangent: Array, _: Any, *, function: Function, transpose: Function, **others: Any
) -> list[Array]:
    del others
    return [linear(transpose, function, cotangent)]


def _batched(
    axis: Any,
    values: Sequence[Array],
    places: Sequence[int | None],
    *,
    function: Function,
    transpose: Function,
    **_: Any,
) -> tuple[Array, int]:
    """Of a batch; its axis may be one that the function joins over."""
    (value,), (place,) = values, places
    if place is None:
        value = jnp.broadcast_to(value, (axis.size, *value.shape))

    def batched(one: Function) -> Function:
        return jax.vmap(one, place or 0, place or 0, axis_name=axis.name)

    return linear(batched(function), batched(transpose), value), place or 0


_linear = Primitive("linear")
_linear.def_impl(_apply)
_linear.def_abstract_eval(_shape)
ad.deflinear2(_linear, _back)
batching.fancy_primitive_batchers[_linear] = _batched
mlir.register_lowering(_linear, mlir.lower_fun(_apply, multiple_results=False))

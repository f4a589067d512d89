"""What devices send each other in a round, counted in the program that they run."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

# The operations that send something, and how often a device sends what it puts in (of
# a part of 1 / devices each): a sum or extreme is split among the devices, joined and
# handed out again; a gathering goes to all others; an exchange once.
_JOINS = ("psum", "pmax", "pmin")
_GATHERS = ("all_gather",)
_EXCHANGES = ("all_to_all",)


def sent_bytes(program: Any, devices: int) -> dict[str, int]:
    """Counts the bytes that each device sends, by the best known algorithms.

    With D devices, a sum of b bytes costs each device ``2 b (D - 1) / D`` (a ring, or
    reduce and scatter), what it gathers for the others ``b (D - 1)``, an exchange
    ``b (D - 1) / D``.

    Args:
        program: a closed jaxpr, from ``jax.make_jaxpr``.
        devices: how many devices it is spread over.

    Returns:
        Bytes by kind: ``sum``, ``gather``, ``exchange``; and ``messages``, how many
        such operations there are.
    """
    found: Counter[str] = Counter(sum=0, gather=0, exchange=0, messages=0)
    for name, operand, times in _operations(program.jaxpr, 1):
        share = operand * (devices - 1) / devices
        if name in _JOINS:
            found["sum"] += round(2 * share * times)
        elif name in _GATHERS:
            found["gather"] += round(operand * (devices - 1) * times)
        else:
            found["exchange"] += round(share * times)
        found["messages"] += times
    return dict(found)


def _operations(jaxpr: Any, times: int) -> Iterator[tuple[str, int, int]]:
    """Each operation that sends something: its name, bytes put in, how often."""
    for equation in jaxpr.eqns:
        name = equation.primitive.name.removesuffix("_invariant")
        if name in (*_JOINS, *_GATHERS, *_EXCHANGES):
            operands = (variable.aval for variable in equation.invars)
            size = sum(math.prod(o.shape) * o.dtype.itemsize for o in operands)
            yield name, size, times
            continue
        repeated = times * equation.params.get("length", 1) if name == "scan" else times
        for inner in _inner(equation.params):
            yield from _operations(inner, repeated)


def _inner(parameters: Mapping[str, Any]) -> Iterator[Any]:
    """The programs within an operation; all branches of a condition."""
    for value in parameters.values():
        for one in value if isinstance(value, tuple | list) else (value,):
            if hasattr(one, "eqns"):
                yield one
            elif hasattr(one, "jaxpr") and hasattr(one.jaxpr, "eqns"):
                yield one.jaxpr

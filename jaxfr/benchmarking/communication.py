"""What devices send each other in a round, counted in the program that they run."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

# The operations that send something. A sum or extreme is split among the devices,
# joined and handed out again; a gathering goes to all others; an exchange once.
_KINDS = {
    **dict.fromkeys(("psum", "pmax", "pmin"), "sum"),
    "all_gather": "gather",
    "all_to_all": "exchange",
}


def sent_bytes(program: Any, devices: int) -> dict[str, int]:
    """Counts the bytes that each device sends, by the best known algorithms.

    With D devices, a sum of b bytes costs each device ``2 b (D - 1) / D`` (a ring, or
    reduce and scatter), what it gathers for the others ``b (D - 1)``, an exchange ``b
    (D - 1) / D``. ``program`` is a closed jaxpr, from ``jax.make_jaxpr``. What comes
    back are bytes by kind, ``sum``, ``gather`` and ``exchange``, and the number of such
    operations, ``messages``.
    """
    found: Counter[str] = Counter(sum=0, gather=0, exchange=0, messages=0)
    passes = {"sum": 2 / devices, "gather": 1, "exchange": 1 / devices}
    for kind, operand, times in _operations(program.jaxpr, 1):
        found[kind] += round(passes[kind] * operand * (devices - 1) * times)
        found["messages"] += times
    return dict(found)


def _operations(jaxpr: Any, times: int) -> Iterator[tuple[str, int, int]]:
    """Each operation that sends something: its kind, bytes put in, how often."""
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        kind = _KINDS.get(name.removesuffix("_invariant"))
        if kind is not None:
            operands = (variable.aval for variable in equation.invars)
            size = sum(math.prod(o.shape) * o.dtype.itemsize for o in operands)
            yield kind, size, times
            continue
        repeated = times * equation.params.get("length", 1) if name == "scan" else times
        for inner in _inner(equation.params):
            yield from _operations(inner, repeated)


def _inner(parameters: Mapping[str, Any]) -> Iterator[Any]:
    """The programs within an operation; all branches of a condition."""
    for value in parameters.values():
        for one in value if isinstance(value, tuple | list) else (value,):
            program = getattr(one, "jaxpr", one)
            if hasattr(program, "eqns"):
                yield program

"""The programs of the command line, ``jaxfr train`` and the others.

Each is a module with ``main``; the first line of its docstring says what it does.
"""

import ast
import importlib.util
from typing import NamedTuple

PROGRAMS = (
    *("train", "sweep", "results", "dataset", "list", "submit", "benchmark", "scale"),
)
"""In the order in which a user meets them."""


class Described(NamedTuple):
    """What a program's docstring says.

    Attributes:
        summary: its first line.
        text: all of it.
    """

    summary: str
    text: str


def describe_program(name: str) -> Described:
    """Reads a program's docstring without importing it, as flags may be defined once.

    Args:
        name: one of ``PROGRAMS``.
    """
    spec = importlib.util.find_spec(f"jaxfr.programs.{name}")
    assert spec is not None
    assert spec.origin is not None
    with open(spec.origin, encoding="utf-8") as file:
        text = ast.get_docstring(ast.parse(file.read())) or ""
    return Described(text.partition("\n")[0], text)

"""The programs of the command line, ``jaxfr train`` and the others.

Each is a module with ``main``; the first line of its docstring says what it does.
"""

import ast
import importlib.util
import pathlib

PROGRAMS = (
    *("train", "compare", "sweep", "status", "results", "report", "tournament"),
    *("dataset", "list", "submit", "benchmark", "scale", "completion"),
)
"""In the order in which a user meets them."""


def describe_program(name: str) -> str:
    """A program's docstring, without importing it: flags are defined once a process."""
    spec = importlib.util.find_spec(f"jaxfr.programs.{name}")
    assert spec is not None
    assert spec.origin is not None
    source = pathlib.Path(spec.origin).read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""

"""What makes two runs the same run: options, data and code, as a hash."""

import ast
import functools
import hashlib
import json
import pathlib
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

import jaxfr

# What decides no number of a run. Of the data their content counts, of options their
# values.
_BESIDE = (
    *("checkpoints", "data", "records", "store", "sweeps", "theory"),
    *("__init__.py", "compilation_cache.py", "errors.py", "files.py"),
    *("own_files.py", "terminal.py", "texts.py"),
)
_DEPENDENCIES = ("jax", "jaxlib", "numpy", "optax")

_SETTINGS_DIGITS = 16
_CODE_DIGITS = 8


def run_identity(options: Mapping[str, Any], code: str) -> str:
    """Names a run after all that decides it.

    Args:
        options: every option with the seed, and hashes of the data that they name.
        code: from ``code_version``.

    Returns:
        The hash of the options in 16 hexadecimal digits, a hyphen, and the code.
    """
    text = json.dumps(options, sort_keys=True, allow_nan=False)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:_SETTINGS_DIGITS]}-{code}"


def settings_part(run: str) -> str:
    """The part of a run's identity that does not depend on the code."""
    return run.partition("-")[0]


@functools.cache
def code_version() -> str:
    """Names the code that computes a run, in 8 hexadecimal digits.

    A hash of what those of jaxfr's modules say that compute, without comments,
    docstrings and layout, and of the versions of what they stand on. (Python's own
    version shows in the syntax trees that are hashed.)
    """
    digest = hashlib.sha256()
    root = pathlib.Path(jaxfr.__file__).parent
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if place.parts[0] in _BESIDE:
            continue
        digest.update(place.as_posix().encode())
        digest.update(what_code_says(path.read_text(encoding="utf-8")).encode())
    for name in _DEPENDENCIES:
        digest.update(f"{name}=={metadata.version(name)}".encode())
    return digest.hexdigest()[:_CODE_DIGITS]


def what_code_says(source: str) -> str:
    """A module's syntax tree as text, its docstrings left out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list) or not body:
            continue
        first = body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            del body[0]
    return ast.dump(tree)


def content_hash(*parts: np.ndarray | int | str | None) -> str:
    """A hash of arrays and scalars in 16 hexadecimal digits.

    Args:
        *parts: arrays count with their types and shapes.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b";")
    return digest.hexdigest()[:_SETTINGS_DIGITS]

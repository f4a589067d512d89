"""A run's identity: a hash of options (see ``sweeps/plan.py``), data and code."""

import ast
import functools
import hashlib
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import jaxfr
from jaxfr.data import fetch
from jaxfr.errors import InvalidInputError
from jaxfr.kept import kept, source_hash, versions_beneath

# What a run's numbers come from: these packages and modules and all that they import,
# directly or by others. Of data the content counts, not the code that reads them, and
# a checkpoint and a kept program give back the bits that were saved.
_COMPUTES = ("jaxfr.experiment", "jaxfr.training", "jaxfr.evaluation")
_GIVES_BITS = ("jaxfr.data.", "jaxfr.checkpoints.", "jaxfr.kept_programs.")

# In the cache folder: the last version that was found.
KEPT_VERSION = "code_version"

_OPTIONS_DIGITS = 16
_CODE_DIGITS = 8


def run_identity(options: Mapping[str, Any], code: str) -> str:
    """Names a run after all that decides it: options, hashes of data, the code."""
    text = json.dumps(options, sort_keys=True, allow_nan=False)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:_OPTIONS_DIGITS]}-{code}"


@functools.cache
def code_version() -> str:
    """Names the code that computes a run, in 8 hexadecimal digits.

    A hash of what the modules of :func:`computing_modules` say, without comments,
    docstrings and layout, and of the versions of what they stand on. (Python's own
    version shows in the syntax trees that are hashed.) Parsing takes a third of a
    second, so what was found for files that are the same is kept.
    """
    root = pathlib.Path(jaxfr.__file__).parent

    def find() -> bytes:
        digest = hashlib.sha256()
        for path, said in sorted(computing_modules(root).items()):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(said.encode())
        digest.update("".join(versions_beneath()).encode())
        return digest.hexdigest()[:_CODE_DIGITS].encode()

    try:
        path = fetch.cache_dir() / KEPT_VERSION
    except InvalidInputError:  # there is no home
        return find().decode()
    return kept(path, source_hash(root), find).decode()


def computing_modules(root: pathlib.Path) -> dict[pathlib.Path, str]:
    """The modules that a run's numbers come from, and what each says.

    Those of an experiment, its training and its evaluation, and what these import;
    ``root`` is the folder of the package.
    """
    files = {_module_name(path, root): path for path in root.rglob("*.py")}
    for name in ("jaxfr", "jaxfr.public"):  # only name what others hold
        files.pop(name, None)
    left = [m for m in files for own in _COMPUTES if f"{m}.".startswith(f"{own}.")]
    found: dict[pathlib.Path, str] = {}
    while left:
        path = files[left.pop()]
        if path in found:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found[path] = what_code_says(tree)
        left += [
            name
            for name in _imported(tree)
            if name in files and not f"{name}.".startswith(_GIVES_BITS)
        ]
    return found


def what_code_says(tree: ast.Module) -> str:
    """A module's syntax tree as text, its docstrings left out."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list) or not body:
            continue
        first = body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            del body[0]
    return ast.dump(tree)


def content_hash(*parts: np.ndarray | int | str | None) -> str:
    """A hash of scalars, and of arrays with their types and shapes, in 16 digits."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(repr(part).encode())
        digest.update(b";")
    return digest.hexdigest()[:_OPTIONS_DIGITS]


def _module_name(path: pathlib.Path, root: pathlib.Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(("jaxfr", *parts)).removesuffix(".__init__")


def _imported(tree: ast.Module) -> Iterator[str]:
    """Names that may be modules which a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)

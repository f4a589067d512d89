"""A run's identity: a hash of options (see ``sweeps/plan.py``), data and code."""

import ast
import functools
import hashlib
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

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

# Packages of which a run uses some modules, and asks for them by what they hold.
_CATALOGUES = ("jaxfr.aggregators", "jaxfr.attacks", "jaxfr.models")

# In the cache folder: what the modules were found to say.
KEPT_MODULES = "modules"

_OPTIONS_DIGITS = 16
_CODE_DIGITS = 8


def run_identity(options: Mapping[str, Any], code: str) -> str:
    """Names a run after all that decides it: options, hashes of data, the code."""
    text = json.dumps(options, sort_keys=True, allow_nan=False)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:_OPTIONS_DIGITS]}-{code}"


class Module(NamedTuple):
    """What a module says and imports.

    Attributes:
        said: a hash of its syntax tree, without docstrings, comments and layout.
        imports: what it imports, by full names, each of which may be a module, or
            something in one.
        origins: of what a package passes on, by its name there, where it is from.
    """

    said: str
    imports: list[str]
    origins: dict[str, str]


@functools.cache
def code_version(parts: frozenset[str] | None = None) -> str:
    """Names the code that computes a run, in 8 hexadecimal digits.

    A hash of what the modules of :func:`computing_modules` say, without comments,
    docstrings and layout, and of the versions of what they stand on. (Python's own
    version shows in the syntax trees that are hashed.) Parsing takes a third of a
    second, so what was found for files that are the same is kept.

    Args:
        parts: the modules that the run's parts are from; None stands for those of all
            parts that there are.
    """
    modules, digest = _modules(), hashlib.sha256()
    for name in sorted(computing_modules(modules, parts)):
        digest.update(f"{name} {modules[name].said} ".encode())
    digest.update("".join(versions_beneath()).encode())
    return digest.hexdigest()[:_CODE_DIGITS]


def computing_modules(
    modules: Mapping[str, Module], parts: Iterable[str] | None = None
) -> set[str]:
    """The modules that a run's numbers come from.

    Those of an experiment, its training and its evaluation, those of its parts, and
    what all these import. What is asked of a catalogue by name is where it is from.
    """
    left = [m for m in modules for own in _COMPUTES if f"{m}.".startswith(f"{own}.")]
    left += _CATALOGUES if parts is None else parts
    found: set[str] = set()
    while left:
        name = left.pop()
        if name in found or name not in modules:
            continue
        found.add(name)
        left += [
            one
            for imported in modules[name].imports
            for one in [_module_of(imported, modules)]
            if not f"{one}.".startswith(_GIVES_BITS)
        ]
    return found


def _module_of(imported: str, modules: Mapping[str, Module]) -> str:
    """The module in which something is that is imported by this name."""
    if imported in modules:
        return imported
    package, _, name = imported.rpartition(".")
    origins = modules[package].origins if package in _CATALOGUES else {}
    return _module_of(origins[name], modules) if name in origins else package


@functools.cache
def _modules() -> dict[str, Module]:
    """All modules of the package by name, but for those that name what others hold."""
    root = pathlib.Path(jaxfr.__file__).parent

    def find() -> bytes:
        found = {_module_name(path, root): _parse(path) for path in root.rglob("*.py")}
        return json.dumps(found).encode()

    try:
        path = fetch.cache_dir() / KEPT_MODULES
    except InvalidInputError:  # there is no home
        content = find()
    else:
        content = kept(path, source_hash(root), find)
    found = {name: Module(*fields) for name, fields in json.loads(content).items()}
    return {n: m for n, m in found.items() if n not in ("jaxfr", "jaxfr.public")}


def _parse(path: pathlib.Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports, origins = [], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            of_node = {one.name: f"{node.module}.{one.name}" for one in node.names}
            imports += of_node.values()
            origins |= of_node
    said = hashlib.sha256(what_code_says(tree).encode()).hexdigest()
    return Module(said, sorted(set(imports)), origins)


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

"""Parts of one's own: functions of a Python file that a run names, or of a module.

A file that is named is run as Python runs a module. What it says is part of the
identity of the runs that use it: a changed file is another one. So is a changed module
that was imported, and a changed function of a notebook.
"""

import hashlib
import importlib.util
import inspect
import pathlib
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

from jaxfr.errors import InvalidInputError, nearest
from jaxfr.files import open_regular, user_errors, user_path, write_atomically
from jaxfr.parts import Factory, factories_within, file_of, part

OWN_FILE = ".py"
"""How the name of a file with parts ends."""

COPIES = "own_files"
"""The folder, beside results, of the files that they were made with."""


_DIGITS = 16


class OwnFile(NamedTuple):
    """A file whose code a run uses.

    Attributes:
        name: of the file, without folders.
        digest: a hash of what it says, in 16 hexadecimal digits.
        content: what it says.
        path: where it stands, as it was written or imported from; in a notebook its
            name.
    """

    name: str
    digest: str
    content: bytes
    path: str

    @property
    def copy_name(self) -> str:
        """The name of a copy of it, which differs where the content does."""
        return f"{self.digest}-{self.name}"


def refuse_code(field: str, text: str) -> NoReturn:
    """Refuses a part of a file where it may not be named.

    Raises:
        InvalidInputError: in any case.
    """
    raise InvalidInputError(
        f"{field}={text!r}: code is named on the command line or in Python, not in a "
        "file"
    )


def own_factory(path: str, function: str) -> Factory[..., Any]:
    """A factory of a file, which is read and run once as long as it does not change.

    Args:
        path: the file.
        function: a function of it, decorated with ``part`` or not.

    Raises:
        InvalidInputError: if the file cannot be read or run, or has no such function.
    """
    module = _module_of(path)
    functions = _functions_of(module)
    found = functions.get(function)
    if found is None:
        raise InvalidInputError(
            f"{path}: has no function {function!r}; there are "
            f"{', '.join(functions) or 'none'}{nearest(function, functions)}"
        )
    if not isinstance(found, Factory):
        found = part(found)
        setattr(module, function, found)  # the same one the next time
    return found


def summaries_of(path: str) -> dict[str, str]:
    """The functions of a file that may be parts, with what each is in a line.

    Raises:
        InvalidInputError: if the file cannot be read or run.
    """
    functions = _functions_of(_module_of(path)).items()
    return {
        name: found.summary if isinstance(found, Factory) else part(found).summary
        for name, found in functions
        if not name.startswith("_")
    }


def _module_of(path: str) -> ModuleType:
    place = user_path(path, "file of parts")
    with user_errors("read", place), open_regular(place) as file:
        content = file.read()
    return _run(place, _own_file(place.name, content, path))


def _functions_of(module: ModuleType) -> dict[str, Any]:
    return {
        name: found
        for name, found in vars(module).items()
        if isinstance(found, Factory) or inspect.isfunction(found)
        # What it imports is somebody else's.
        if found.__module__ == module.__name__
    }


def own_files(value: Any) -> Iterator[OwnFile]:
    """The files that a part, and the parts in it, come from."""
    for factory in factories_within(value):
        if not factory.is_own:
            continue
        module = factory.function.__module__
        named: OwnFile | None = getattr(sys.modules.get(module), "jaxfr_own_file", None)
        path = file_of(factory.function) or pathlib.Path(f"{module}.py")
        yield named or _own_file(path.name, factory.written, str(path))


def _own_file(name: str, content: bytes, path: str) -> OwnFile:
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    return OwnFile(name, digest, content, path)


def is_own(value: Any) -> bool:
    """Whether a part, or a part in it, is made by code that is none of jaxfr's."""
    return any(factory.is_own for factory in factories_within(value))


def keep_copies(files: Iterable[OwnFile], folder: pathlib.Path) -> None:
    """Writes files into ``own_files`` of a folder, each under its digest and name.

    So results stand beside the code that made them. A file that is there already is
    the same.

    Raises:
        InvalidInputError: if the folder cannot be written to.
    """
    for file in dict.fromkeys(files):
        path = folder / COPIES / file.copy_name
        if not path.exists():
            write_atomically(path, file.content)


def _run(place: pathlib.Path, file: OwnFile) -> ModuleType:
    name = f"jaxfr_own_{file.digest}_{place.stem}"
    if name in sys.modules:
        sys.modules[name].__dict__["jaxfr_own_file"] = file  # it may lie elsewhere now
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.__dict__["jaxfr_own_file"] = file
    sys.modules[name] = module  # before it runs, as Python does
    try:
        exec(compile(file.content, str(place), "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        line = _line_of(error, str(place))
        told = " ".join(str(error).split())
        raise InvalidInputError(
            f"{place}{line}: {type(error).__name__}: {told}"
        ) from error
    return module


def _line_of(error: Exception, path: str) -> str:
    """Where in a file an error arose, as in ``, line 3``."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f", line {lines[-1]}" if lines else ""

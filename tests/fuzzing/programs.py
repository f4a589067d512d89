"""The programs, run in this process as a command line would run them.

Their flags are global and some have the same name, so that a process can run one
program only.
"""

import contextlib
import importlib
import io
import os
import pathlib
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from unittest import mock

import jax
from absl import flags
from absl.testing import flagsaver
from jax.experimental.compilation_cache import compilation_cache

from jaxfr.errors import InvalidInputError
from jaxfr.programs.program import EXIT_CODE, run_program
from tests.fuzzing.judging import WrongOutcomeError


def load(name: str) -> ModuleType:
    """The module of a program; its flags are defined then."""
    return importlib.import_module(f"jaxfr.programs.{name}")


def own_flags(name: str) -> dict[str, flags.Flag]:
    """The flags of a program, without those that absl gives to all."""
    found = flags.FLAGS.get_key_flags_for_module(load(name).__name__)
    return {flag.name: flag for flag in found}


def run(name: str, arguments: Sequence[str]) -> None:
    """Runs a program to its end; all that it writes by default goes into this folder.

    Raises:
        InvalidInputError: if it refused its arguments, in one line.
        WrongOutcomeError: if it ended in another way.
    """
    module, output, errors = load(name), io.StringIO(), io.StringIO()
    here = os.getcwd()
    homes = {"HOME": here, "JAXFR_CACHE_DIR": here, "XDG_CACHE_HOME": here}
    code: object = None
    with (
        _forgotten_flags(),
        _forgotten_cache(),
        mock.patch.dict(os.environ, homes),
        mock.patch.object(sys, "argv", [f"{name}.py", *arguments]),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            run_program(module.main)
        except SystemExit as ended:
            code = ended.code
    print(output.getvalue(), errors.getvalue())
    if code in (0, None):
        return
    told = [line for line in errors.getvalue().split("\n") if "error" in line]
    if code != EXIT_CODE or len(told) != 1 or not told[0].startswith("error: "):
        raise WrongOutcomeError(f"ended with {code!r} and {told}")
    raise InvalidInputError(told[0])


@contextlib.contextmanager
def _forgotten_flags() -> Iterator[None]:
    with flagsaver.flagsaver():
        flags.FLAGS.unparse_flags()
        yield


@contextlib.contextmanager
def _forgotten_cache() -> Iterator[None]:
    """Programs that one run keeps compiled are not looked for by the next."""
    before = jax.config.values["jax_compilation_cache_dir"]
    try:
        yield
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
        compilation_cache.reset_cache()  # JAX looks at its setting once


def can_be_argument(text: str) -> bool:
    """Whether a system hands such a text to a program."""
    try:
        return b"\x00" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def written_flags(arguments: Sequence[str], mark: str, end: str) -> list[str]:
    """Writes arguments to a file; the one that names it."""
    path = pathlib.Path("given.flags")
    content = mark + end.join(["# a comment", *arguments]) + end
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    return [f"--flagfile={path}"]

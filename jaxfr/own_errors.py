"""Errors that arise in parts of somebody's own, told in a line."""

import contextlib
import inspect
import os
import textwrap
import traceback
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType
from typing import Any

import jax

from jaxfr.errors import InvalidInputError
from jaxfr.parts import factories_within

TRACEBACK_VARIABLE = "JAXFR_TRACEBACK"
"""The environment variable that asks for the traceback of an error in such a file."""
# Of an error's text.
_MOST_CHARACTERS = 200
# What JAX says in paragraphs.
_OF_JAX: Mapping[type[Exception], str] = {
    jax.errors.TracerBoolConversionError: "if, while, and, or see no number that is "
    "traced, as options and uploads are; use jnp.where(condition, a, b), or & and |",
    jax.errors.TracerArrayConversionError: "numpy takes no number that is traced, as "
    "options and uploads are; use jax.numpy",
    jax.errors.ConcretizationTypeError: "a shape, a range or a whole number of Python "
    "cannot be made of a number that is traced, as options and uploads are; an option "
    "annotated as int is not traced",
}


@contextlib.contextmanager
def own_errors(parts: Iterable[Any]) -> Iterator[None]:
    """Tells an error that arose in a part of somebody's own in a line.

    ``FILE:LINE in FUNCTION: ErrorType: text`` of the innermost frame in a file of one's
    own. Any other error is left as it is, and so is every one where the environment
    variable ``JAXFR_TRACEBACK`` is set, which shows the way there.

    Args:
        parts: those that run within.

    Raises:
        InvalidInputError: if such an error arose.
    """
    try:
        yield
    except Exception as error:
        told = _own_line(error, parts)
        if told is None or os.environ.get(TRACEBACK_VARIABLE):
            raise
        raise InvalidInputError(told) from error


def _own_line(error: Exception, parts: Iterable[Any]) -> str | None:
    """Where in an own file an error arose, and what it is; None if in none."""
    factories = [one for part in parts for one in factories_within(part)]
    own = [
        getattr(inspect.unwrap(one.function), "__globals__", None)
        for one in factories
        if one.is_own
    ]

    def of_user(frame: FrameType) -> bool:
        found = frame.f_globals
        return "jaxfr_own_file" in found or any(found is one for one in own)

    frames = list(traceback.walk_tb(error.__traceback__))
    places = [(frame.f_code, line) for frame, line in frames if of_user(frame)]
    meant = isinstance(error, InvalidInputError) and of_user(frames[-1][0])
    if not places or meant:
        return None
    code, line = places[-1]
    name = code.co_qualname.replace("<locals>.", "")
    text = next((told for kind, told in _OF_JAX.items() if isinstance(error, kind)), "")
    text = text or textwrap.shorten(str(error), _MOST_CHARACTERS, placeholder=" ...")
    if isinstance(error, InvalidInputError):
        return f"{code.co_filename}:{line} in {name}: {text}"
    return (
        f"{code.co_filename}:{line} in {name}: {type(error).__name__}: {text} "
        f"({TRACEBACK_VARIABLE}=1 shows the traceback)"
    )

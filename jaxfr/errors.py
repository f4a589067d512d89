"""The one exception that a user's mistake raises, and what was meant or is missing."""

import difflib
import functools
import importlib
from collections.abc import Iterable
from typing import Any


class InvalidInputError(ValueError):
    """A flag, file or value that cannot be used.

    >>> fr.Experiment(malicious_ratio=2.0)
    Traceback (most recent call last):
    jaxfr.errors.InvalidInputError: malicious_ratio=2.0: must be a number ...

    The message is one line that says what is wrong and what is allowed, so that a
    program can print it and exit.
    """


def nearest(name: str, names: Iterable[str]) -> str:
    """``; did you mean ...?`` with the likest of some names, or nothing.

    Names of which it is a word, as ratio is of malicious_ratio, go before those that
    are only somewhat alike.
    """
    names = list(names)
    alike = functools.partial(difflib.get_close_matches, name, names, n=2)
    of_words = [one for one in names if name in one.split("_")]
    found = alike(cutoff=0.9) or of_words[:2] or alike()
    return f"; did you mean {' or '.join(found)}?" if found else ""


def import_extra(module: str, extra: str, what: str) -> Any:
    """A module that one of the package's extras brings; ``what`` needs it.

    Raises:
        InvalidInputError: if it is not installed; says how to.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        name = module.partition(".")[0]
        raise InvalidInputError(
            f"{what}: needs {name}; pip install 'jaxfr[{extra}]'"
        ) from None

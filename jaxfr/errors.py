"""The one exception that a user's mistake raises, and what was meant or is missing."""

import difflib
import functools
import importlib
import re
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

    The one that differs in case and hyphens alone, as Spattack-O-D, is meant. Names of
    which it is a word, as ratio is of malicious_ratio, go before those that are only
    somewhat alike.
    """
    names = list(names)
    alike = functools.partial(difflib.get_close_matches, name, names, n=2)
    same = [one for one in names if _letters(one) == _letters(name)]
    of_words = [one for one in names if name in one.split("_")]
    more = of_words[:2] + alike(cutoff=0.8) if of_words else alike()
    found = same[:1] or alike(cutoff=0.9) or [*dict.fromkeys(more)][:2]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower() or name


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

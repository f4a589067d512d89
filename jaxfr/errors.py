"""The one exception that a user's mistake raises, and what was meant instead."""

import difflib
from collections.abc import Iterable


class InvalidInputError(ValueError):
    """A flag, file or value that cannot be used.

    >>> fr.Experiment(malicious_ratio=2.0)
    Traceback (most recent call last):
    jaxfr.errors.InvalidInputError: malicious_ratio=2.0: must be a number ...

    The message is one line that says what is wrong and what is allowed, so that a
    program can print it and exit.
    """


def nearest(name: str, names: Iterable[str]) -> str:
    """``; did you mean ...?`` with the likest of some names, or nothing."""
    found = difflib.get_close_matches(name, names, n=2)
    return f"; did you mean {' or '.join(found)}?" if found else ""

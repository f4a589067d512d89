"""How signatures are checked in tests, see ``conftest.py``."""

import functools
import random
from collections.abc import Callable
from typing import Any

from beartype import beartype


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """``beartype``, which looks at random items of containers, and leaves no trace.

    Hypothesis refuses a strategy in which the state of ``random`` changed, as it did
    where a function was traced there for the first time.
    """
    checking = beartype(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        state = random.getstate()
        try:
            return checking(*args, **kwargs)
        finally:
            random.setstate(state)

    return call

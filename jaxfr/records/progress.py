"""Progress on the terminal, with the time that is left."""

import contextlib
import time
from collections.abc import Callable, Iterator

from absl import logging


@contextlib.contextmanager
def show_progress(total: int, unit: str, label: str) -> Iterator[Callable[[int], None]]:
    """Shows how much of some work is done, and how much time is left.

    A bar where tqdm is installed (the extra ``data`` brings it), otherwise a line in
    the log at every tenth.

    Args:
        total: units of work.
        unit: what they are, in the singular.
        label: what the work is.

    Yields:
        A function to call with the number of units just finished.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        yield _log_tenths(total, unit, label)
        return
    with tqdm(total=total, unit=unit, desc=label, leave=False, mininterval=0) as bar:
        yield lambda finished: (bar.update(finished), None)[1]


def _log_tenths(total: int, unit: str, label: str) -> Callable[[int], None]:
    began = time.monotonic()
    done = 0

    def advance(finished: int) -> None:
        nonlocal done
        tenth_before = 10 * done // total
        done += finished
        if 10 * done // total > tenth_before:
            left = (time.monotonic() - began) * (total - done) / done
            logging.info(
                "%s: %d of %d %ss, about %.0f s left", label, done, total, unit, left
            )

    return advance

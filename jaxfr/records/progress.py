"""Progress on the terminal, with the time that is left."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from absl import logging

from jaxfr.terminal import note, printable


class Progress(NamedTuple):
    """How to report on some work: units that are finished, and lines beside the bar."""

    advance: Callable[[int], Any]
    say: Callable[[str], Any]


@contextlib.contextmanager
def show_progress(total: int, unit: str, label: str) -> Iterator[Progress]:
    """Shows how much of some work is done, and how much time is left.

    A bar where tqdm is installed (the extra ``data`` brings it), otherwise a line in
    the log at every tenth. The unit of the total is told in the singular.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        yield Progress(_log_tenths(total, unit, label), note)
        return
    shown = printable(label)
    with tqdm(total=total, unit=unit, desc=shown, leave=False, mininterval=0) as bar:
        yield Progress(
            bar.update, lambda line: tqdm.write(printable(line), file=bar.fp)
        )


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

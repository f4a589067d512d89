"""How far some work is: a bar on a terminal, and stamped lines where there is none."""

import contextlib
import datetime
import importlib.util
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from jaxfr.processes import is_leader
from jaxfr.store.folder import host_name
from jaxfr.sweeps.forecast import format_duration
from jaxfr.terminal import note, printable

SECONDS_BETWEEN_LINES = 60.0
_SECONDS_BETWEEN_BARS = 0.2


class Work:
    """What there is to do, how far it is, and how long the rest takes.

    Time left is that of the rounds that are left, at the pace of those that were
    finished since this began: what was found finished counts for nothing, and neither
    does time ``aside``, for compiling a program.
    """

    def __init__(
        self,
        runs: int,
        rounds: int,
        programs: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.runs, self.rounds, self.programs = runs, rounds, programs
        self._times_aside = 0
        self.runs_done = self.runs_found = self.runs_failed = 0
        self.rounds_done = self.rounds_found = 0
        self._clock = clock
        self._began = clock()
        self._aside = 0.0
        self._aside_since: float | None = None

    def advance(self, rounds: int) -> None:
        """So many more rounds are finished."""
        self.rounds_done += rounds

    def find(self, rounds: int) -> None:
        """So many more rounds were finished before."""
        self.rounds_found += rounds

    def finish(self, runs: int) -> None:
        """So many more runs are finished."""
        self.runs_done += runs

    def find_runs(self, runs: int) -> None:
        """So many more runs were finished before."""
        self.runs_found += runs

    def fail(self, runs: int, rounds: int) -> None:
        """So many more runs failed, whose rounds are not to be done."""
        self.runs_failed += runs
        self.rounds -= rounds

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Time that says nothing of the pace."""
        self._aside_since = self._clock()
        try:
            yield
        finally:
            self._aside, self._aside_since = self.seconds_aside, None
            self._times_aside += 1

    @property
    def seconds_aside(self) -> float:
        """All time aside, until now."""
        since = self._aside_since
        return self._aside + (0.0 if since is None else self._clock() - since)

    @property
    def seconds_left(self) -> float | None:
        """What the rounds that are left take; None before anything is known of it."""
        left = self.rounds - self.rounds_found - self.rounds_done
        if self.rounds_done <= 0:
            return None
        spent = self._clock() - self._began - self.seconds_aside
        return spent * left / self.rounds_done

    def __str__(self) -> str:
        done, left = self.runs_found + self.runs_done, self.seconds_left
        before = f" ({self.runs_found} before)" * bool(self.runs_found)
        known = "not known yet" if left is None else format_duration(left)
        return (
            f"{done} of {self.runs} runs done{before}, "
            f"{self.runs - done - self.runs_failed} left, {self.runs_failed} failed; "
            f"time left: {known}{self._compiling_left()}"
        )

    def _compiling_left(self) -> str:
        """What the programs that are left will take, each as long as those before."""
        left = self.programs - self._times_aside
        if left <= 0 or self.seconds_left is None:
            return ""
        seconds = self._aside / self._times_aside * left if self._times_aside else 0.0
        return f", and {format_duration(seconds)} for compiling {left} programs"


@contextlib.contextmanager
def show_progress(work: Work, label: str) -> Iterator[Callable[[str], Any]]:
    """Shows how far some work is; yields a function that tells a line beside it.

    That is a bar where the standard error is a terminal and tqdm is installed (the
    extra ``data`` brings it). In a log a line is stamped with the time and the host,
    and there is one each minute. (Of several processes that do all runs together the
    first one writes them.)
    """
    if not sys.stderr.isatty() or importlib.util.find_spec("tqdm") is None:
        shown = _lines(work, label)
    else:
        shown = _bar(work, label)
    with shown as say:
        yield say


def tell(line: str) -> None:
    """Tells the user a line, stamped with the time and the host in a log."""
    if not sys.stderr.isatty():
        moment = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        line = f"{moment} {host_name()} {line}"
    note(line)


@contextlib.contextmanager
def _lines(work: Work, label: str) -> Iterator[Callable[[str], Any]]:
    def say(line: str) -> None:
        if is_leader():
            tell(f"{label}: {line}")

    with _each(SECONDS_BETWEEN_LINES, lambda: say(str(work))):
        yield lambda line: say(f"{line}; {work}")
    say(str(work))


@contextlib.contextmanager
def _bar(work: Work, label: str) -> Iterator[Callable[[str], Any]]:
    from tqdm import tqdm

    # tqdm's own time left would count what was found, and time aside.
    shown = "{desc}: {percentage:3.0f}%|{bar}| {unit}"
    with tqdm(
        total=work.rounds, desc=printable(label), bar_format=shown, leave=False
    ) as bar:

        def show() -> None:
            bar.n, bar.total = work.rounds_found + work.rounds_done, work.rounds
            bar.unit = str(work)
            bar.refresh()

        show()
        with _each(_SECONDS_BETWEEN_BARS, show):
            yield lambda line: tqdm.write(printable(line), file=bar.fp)
        show()


@contextlib.contextmanager
def _each(seconds: float, act: Callable[[], Any]) -> Iterator[None]:
    """Acts every so many seconds, also while the main thread is in a computation."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            act()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

"""Ends of a program that others decide: Ctrl-C, SIGTERM, a terminal that is closed."""

import contextlib
import contextvars
import os
import pathlib
import signal
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

from jaxfr.terminal import note

# Windows lacks SIGHUP.
SIGNALS = tuple(
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if name in signal.Signals.__members__
)


# So long the main thread may take to hear a signal and to clean up: less than the 30
# seconds that Slurm leaves between SIGTERM and SIGKILL.
SECONDS_TO_CLEAN_UP = 20.0


class Kept(NamedTuple):
    """What is kept of a program's work, and whether the same command goes on there."""

    what: str
    goes_on: bool


# While a program runs.
_KEPT: contextvars.ContextVar[list[Kept]] = contextvars.ContextVar("kept")


class Stopped(BaseException):
    """Somebody asks the program to end, by the signal of this number.

    It passes through all that handles errors. ``kept`` says what is kept.
    """

    def __init__(self, number: int, kept: Sequence[Kept] = ()) -> None:
        super().__init__(number)
        self.number = signal.Signals(number)
        self.kept = tuple(kept)

    @property
    def exit_code(self) -> int:
        """The one that shells give to a process that a signal ended."""
        return 128 + self.number


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Raises ``Stopped`` in the main thread at the first signal that asks for an end.

    Those after it change nothing, so that what is cleaned up on the way out is cleaned
    up to its end; but a Ctrl-C among them ends the process at once, whatever it does,
    and so do ``SECONDS_TO_CLEAN_UP``. Signals that are ignored, as under nohup, stay
    so.
    """
    kept: list[Kept] = []
    handled = _heard()

    def stop(number: int, frame: Any) -> NoReturn:
        _handle(handled, signal.SIG_IGN)
        # The guard goes on hearing Ctrl-C, which it would not if that were ignored.
        _handle({signal.SIGINT}.intersection(handled), lambda number, frame: None)
        # Between open() and its with, it leaves a file that Python closes, and warns.
        warnings.simplefilter("ignore", ResourceWarning)
        raise Stopped(number, kept)

    def stop_again(unraisable: Any) -> None:
        """Where Python cannot pass an exception on, as in a callback, it is lost."""
        lost = unraisable.exc_value
        if not isinstance(lost, Stopped):
            show(unraisable)
            return
        _handle(handled, stop)
        guard.expect_again()
        threading.Timer(0.01, _raise_in_main_thread, (lost.number,)).start()

    show, sys.unraisablehook = sys.unraisablehook, stop_again
    with _Guard(kept) as guard:
        token = _KEPT.set(kept)
        _handle(handled, stop)
        try:
            yield
        finally:
            sys.unraisablehook = show
            _KEPT.reset(token)
            # Not after a signal: until its line is written, others stay ignored.
            mine = [n for n in handled if signal.getsignal(n) is stop]
            _handle(mine, signal.SIG_DFL)


class _Guard:
    """Ends the process where the main thread cannot: Python's handlers wait for it.

    A computation, or its compilation, is one instruction of Python. Signals are told
    through a pipe to a thread of their own, also while the main thread is in one.
    """

    def __init__(self, kept: Sequence[Kept]) -> None:
        self._kept = kept
        self._heard: int | None = None
        self._repeated = 0
        self._receiver, self._sender = os.pipe()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._out_of_time: threading.Timer | None = None
        self._before = -1

    def __enter__(self) -> "_Guard":
        if os.name != "nt":  # Windows needs it not, and has it of late only
            os.set_blocking(self._sender, False)
        self._before = signal.set_wakeup_fd(self._sender, warn_on_full_buffer=False)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._before)
        os.close(self._sender)
        self._listener.join()
        if self._out_of_time is not None:
            self._out_of_time.cancel()

    def expect_again(self) -> None:
        """One more signal is to come that is no other one."""
        self._repeated += 1

    def _listen(self) -> None:
        while told := os.read(self._receiver, 1):
            number = told[0]
            if number not in SIGNALS:
                continue
            if self._heard is None:
                self._heard = number
                seconds = SECONDS_TO_CLEAN_UP
                how = f"stopped by {_name(number)}, {seconds:g} s later"
                timer = threading.Timer(seconds, self._leave, (how, number))
                timer.daemon, self._out_of_time = True, timer
                timer.start()
            elif self._repeated:
                self._repeated -= 1
            elif number == signal.SIGINT:
                self._leave(f"killed by {_name(number)}", number)
        os.close(self._receiver)

    def _leave(self, how: str, number: int) -> NoReturn:
        leave(_sentence(how, self._kept), 128 + number)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Lets signals that ask for an end wait until something short is done."""
    waiting: list[int] = []
    handlers: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():  # the one that hears them
        handlers = {number: signal.getsignal(number) for number in _heard()}
    _handle(handlers, lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in map(signal.Signals, waiting[:1]):
            if callable(handlers[number]):  # another signal would count as a second one
                handlers[number](number, None)
            else:
                signal.raise_signal(number)


def keep(what: str, goes_on: bool = True) -> None:
    """Says what is kept if the program is stopped from now on, a part of a sentence.

    With ``goes_on`` the same command goes on from there, otherwise it starts again.
    """
    kept, said = _KEPT.get([]), Kept(what, goes_on)
    if said not in kept:
        kept.append(said)


@contextlib.contextmanager
def keeping(what: str) -> Iterator[None]:
    """Says what is kept if the program is stopped in between, see ``keep``."""
    kept, said = _KEPT.get([]), Kept(what, goes_on=True)
    kept.append(said)
    try:
        yield
    finally:
        kept.remove(said)


def describe(stopped: Stopped) -> str:
    """Says in one line what is kept and how to go on."""
    return _sentence(f"stopped by {_name(stopped.number)}", stopped.kept)


def _sentence(how: str, kept: Sequence[Kept]) -> str:
    # What was said last is what is nearest.
    told = "; ".join(one.what for one in reversed(kept))
    if any(one.goes_on for one in kept):
        return f"{how}: {told}; the same command goes on from there"
    told = told or "no unfinished work is kept"
    return f"{how}: {told}; the same command starts again"


def _name(number: int) -> str:
    return signal.Signals(number).name


def end_at_once_while_loading() -> None:
    """Lets signals end a program of ours in one line while it loads its modules.

    Whoever imports this package keeps his own ways to end.
    """
    if not _is_own_program():
        return

    def end(number: int, frame: Any) -> NoReturn:
        stopped = Stopped(number)
        leave(describe(stopped), stopped.exit_code)

    _handle(_heard(), end)


def _raise_in_main_thread(number: signal.Signals) -> None:
    """Raises a signal where it ends a wait, which one of another thread does not."""
    if hasattr(signal, "pthread_kill"):  # Windows lacks it
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def _is_own_program() -> bool:
    """Whether Python was started as ``jaxfr``, or is about to run a module of ours."""
    started = sys.argv[0] if sys.argv else ""
    if started != "-m":  # what it says while Python looks for the module
        return pathlib.PurePath(started).name == "jaxfr"
    after = sys.orig_argv[sys.orig_argv.index("-m") + 1 :]
    return after[0].partition(".")[0] in ("jaxfr", "experiments")


def leave(line: str, code: int) -> NoReturn:
    """Ends the process with a line on the standard error, and nothing after it.

    What libraries do at the end of Python is left out: JAX would wait for processes
    that wait for this one.
    """
    # A terminal that is gone takes no line.
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError):
        note(line)
    os._exit(code)


@contextlib.contextmanager
def deaf_children() -> Iterator[None]:
    """Processes that are started in between do not hear the terminal's Ctrl-C.

    It is this process's to end them, which hears what was meant for it afterwards:
    children inherit that the signal waits.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows lacks it
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _heard() -> list[signal.Signals]:
    """Those signals that are not ignored, and not handled by other than Python."""
    deaf = (None, signal.SIG_IGN)
    return [number for number in SIGNALS if signal.getsignal(number) not in deaf]


def _handle(numbers: Iterable[signal.Signals], handler: Any) -> None:
    for number in numbers:
        signal.signal(number, handler)

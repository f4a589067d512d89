"""Ends of a program that others decide: Ctrl-C, SIGTERM, a terminal that is closed."""

import contextlib
import os
import pathlib
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from jaxfr.terminal import note

# Windows lacks SIGHUP.
SIGNALS = tuple(
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if name in signal.Signals.__members__
)


class Stopped(BaseException):
    """Somebody asks the program to end, by the signal of this number.

    It passes through all that handles errors, and its notes (see ``keeping``) say what
    is kept.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = signal.Signals(number)

    @property
    def exit_code(self) -> int:
        """The one that shells give to a process that a signal ended."""
        return 128 + self.number


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Raises ``Stopped`` in the main thread at the first signal that asks for an end.

    Those after it change nothing, so that what is cleaned up on the way out is cleaned
    up to its end. Signals that are ignored, as under nohup, stay so.
    """
    handled = _heard()

    def stop(number: int, frame: Any) -> NoReturn:
        _handle(handled, signal.SIG_IGN)
        raise Stopped(number)

    def stop_again(unraisable: Any) -> None:
        """Where Python cannot pass an exception on, as in a callback, it is lost."""
        lost = unraisable.exc_value
        if not isinstance(lost, Stopped):
            show(unraisable)
            return
        _handle(handled, stop)
        threading.Timer(0.01, _raise_in_main_thread, (lost.number,)).start()

    show, sys.unraisablehook = sys.unraisablehook, stop_again
    _handle(handled, stop)
    try:
        yield
    finally:
        sys.unraisablehook = show
        # Not after a signal: until its line is written, others stay ignored.
        _handle([n for n in handled if signal.getsignal(n) is stop], signal.SIG_DFL)


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
        for number in waiting[:1]:
            signal.raise_signal(number)


@contextlib.contextmanager
def keeping(what: str) -> Iterator[None]:
    """Notes what is kept if the program is stopped in between, a part of a sentence."""
    try:
        yield
    except Stopped as stopped:
        stopped.add_note(what)
        raise


def describe(stopped: Stopped) -> str:
    """Says in one line what is kept and how to go on."""
    kept = "; ".join(getattr(stopped, "__notes__", ()))
    end = (
        f"{kept}; the same command goes on from there"
        if kept
        else "no unfinished work is kept; the same command starts again"
    )
    return f"stopped by {stopped.number.name}: {end}"


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

    It is this process's to end them.
    """
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _heard() -> list[signal.Signals]:
    """Those signals that are not ignored, and not handled by other than Python."""
    deaf = (None, signal.SIG_IGN)
    return [number for number in SIGNALS if signal.getsignal(number) not in deaf]


def _handle(numbers: Iterable[signal.Signals], handler: Any) -> None:
    for number in numbers:
        signal.signal(number, handler)

"""What an attempt came to: accepted, refused, or a find."""

import contextlib
import io
import pathlib
import random
import signal
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from absl import flags

from jaxfr.errors import InvalidInputError
from jaxfr.terminal import note
from tests.fuzzing.writing import watched

# Makes an input in the folder, which is the current one, and hands it over. It returns
# if the input was taken for what it is, raises the program's own error where that
# refused it, and anything else otherwise.
Attempt = Callable[[random.Random, pathlib.Path], None]

_ROOT = pathlib.Path(__file__).parents[2]
_OURS = ("jaxfr", "experiments")
_LONGEST_TEXT = 300
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


class WrongOutcomeError(Exception):
    """An input was taken for something else, or refused although it is in order."""


class TooLong(BaseException):
    """An input took longer than it may. Not an ``Exception``, which code may catch."""


class Find(NamedTuple):
    """A defect.

    Attributes:
        kind: kind of input.
        seed: makes the input again.
        error: type of the exception.
        place: the innermost line of ours that it came from.
        text: its message.
        trace: its stack trace.
    """

    kind: str
    seed: int
    error: str
    place: str
    text: str
    trace: str

    def __str__(self) -> str:
        """One line."""
        return (
            f"{self.kind} seed {self.seed}: {self.error} at {self.place}: {self.text}"
        )


class Verdict(NamedTuple):
    """What became of an input, with the defect if there is one."""

    outcome: Literal["accepted", "refused", "find"]
    find: Find | None = None


def judge(
    kind: str,
    seed: int,
    attempt: Attempt,
    folder: pathlib.Path,
    seconds: float,
    source: random.Random | None = None,
) -> Verdict:
    """Makes one attempt.

    Args:
        kind: kind of input.
        seed: of the input; it and the kind decide all of it.
        attempt: makes the input and hands it over.
        folder: an empty folder for it.
        seconds: how long it may take.
        source: of chance, where it is another than the kind and the seed make.
    """
    source = source or random.Random(f"{kind} {seed}")
    screen = io.StringIO()
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(screen),
            contextlib.redirect_stderr(screen),
            warnings.catch_warnings(),
            _time_limit(seconds),
            watched(folder) as written_outside,
        ):
            warnings.simplefilter("error")
            outcome = _outcome(attempt, source, folder)
            if written_outside:
                raise WrongOutcomeError(f"wrote {written_outside}")
            unwanted = control_characters(screen.getvalue().replace("\n", " "))
            if unwanted:
                raise WrongOutcomeError(f"on the screen: {unwanted}")
        return Verdict(outcome)
    except (Exception, SystemExit, TooLong) as error:
        return Verdict("find", _describe(kind, seed, error))


def control_characters(text: str) -> str:
    """What a text has that is no part of a line on a screen, escaped."""
    found = {c for c in text if unicodedata.category(c) in _UNPRINTABLE}
    return ascii("".join(sorted(found))) if found else ""


def _outcome(
    attempt: Attempt, source: random.Random, folder: pathlib.Path
) -> Literal["accepted", "refused"]:
    try:
        attempt(source, folder)
    except (InvalidInputError, flags.Error) as error:
        # As the programs do with it.
        line = " ".join(str(error).split())
        with contextlib.redirect_stderr(io.StringIO()) as screen:
            note(line)
        unwanted = control_characters(screen.getvalue().removesuffix("\n"))
        if unwanted or not line:
            raise WrongOutcomeError(f"told {unwanted or 'nothing'}") from error
        return "refused"
    return "accepted"


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def end(number: int, frame: object) -> None:
        raise TooLong(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _describe(kind: str, seed: int, error: BaseException) -> Find:
    text = " ".join(ascii(str(error))[1:-1].split())[:_LONGEST_TEXT]
    trace = "".join(traceback.format_exception(error))
    origin = (
        error.__cause__
        if isinstance(error, WrongOutcomeError) and error.__cause__
        else error
    )
    frames = [
        (frame.filename, frame.lineno or 0)
        for frame in traceback.extract_tb(origin.__traceback__)
    ]
    return Find(kind, seed, type(error).__name__, innermost(frames), text, trace)


def innermost(frames: list[tuple[str, int]]) -> str:
    """The last frame that is ours, or else the last of the fuzzing.

    Args:
        frames: files and lines, the innermost last.
    """
    for wanted in (_OURS, ("tests",)):
        for name, line in reversed(frames):
            path = pathlib.Path(name)
            if path.is_relative_to(_ROOT):
                place = path.relative_to(_ROOT)
                if place.parts[0] in wanted:
                    return f"{place.as_posix()}:{line}"
    return "nowhere"

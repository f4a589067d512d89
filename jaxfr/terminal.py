"""What a program prints: safe for any screen, and never worth its results.

Printing decorates; results are files. So whoever reads the standard output may go away
(``| head -1``), the disk that it goes to may be full, its encoding may lack letters,
and names out of data and records may hold what a terminal would obey: a program runs to
its end all the same.
"""

import contextlib
import errno
import io
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, TextIO


def printable(text: str) -> str:
    """Writes out what a terminal obeys rather than shows, ``\\x1b`` for an escape.

    Control and format characters, line breaks among them, and halves of characters, as
    in a file name of another encoding.
    """
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else letter
        for letter in text
    )


def printable_lines(text: str) -> str:
    """:func:`printable` of each line of a text."""
    return "\n".join(map(printable, text.split("\n")))


def print_error(text: str) -> None:
    """Prints lines to the standard error; where that is not possible, nothing."""
    with contextlib.suppress(OSError):
        print(printable_lines(text), file=sys.stderr, flush=True)


@contextlib.contextmanager
def forgiving_streams() -> Iterator[None]:
    """Lets a program run to its end whatever becomes of what it prints.

    What the standard output's encoding lacks is printed as ``?``, and control
    characters as :func:`printable` writes them. A reader that went away ends the
    output silently: the program's exit code is its own, as its work is done. Any other
    failure, such as a full disk, is told in one line, and the exit code is 1 where it
    would be 0, as what somebody wanted to keep is lost.
    """
    before = sys.stdout, sys.stderr
    output = sys.stdout = _Forgiving(sys.stdout, _tell_of_lost_output, printable_lines)
    sys.stderr = _Forgiving(sys.stderr)
    try:
        yield
    except SystemExit as ended:
        output.flush()
        if output.lost and not ended.code:
            raise SystemExit(1) from None
        raise
    finally:
        output.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _tell_of_lost_output(error: OSError) -> None:
    reason = error.strerror or error
    print_error(f"cannot write to the standard output, which is cut off: {reason}")


class _Forgiving(io.TextIOBase):
    """A stream that forgets what it cannot write.

    Attributes:
        lost: whether it could not write, though there was a reader.
    """

    def __init__(
        self,
        stream: TextIO | None,
        tell: Callable[[OSError], Any] = lambda error: None,
        prepare: Callable[[str], str] = str,
    ) -> None:
        """Takes the place of a stream.

        Args:
            stream: the stream; None for one that was closed before the start.
            tell: told once of a failure, unless the reader went away.
            prepare: what to make of a text before it is written.
        """
        self._stream, self._tell, self._prepare = stream, tell, prepare
        self.lost = False
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")

    @property
    def encoding(self) -> str | None:
        return getattr(self._stream, "encoding", None)

    def fileno(self) -> int:
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._attempt(lambda stream: stream.write(self._prepare(text)))
        return len(text)

    def flush(self) -> None:
        self._attempt(lambda stream: stream.flush())

    def _attempt(self, act: Callable[[TextIO], Any]) -> None:
        if self._stream is None:
            return
        try:
            act(self._stream)
        except OSError as error:
            _lead_nowhere(self._stream)
            self._stream = None
            if error.errno != errno.EPIPE:
                self.lost = True
                self._tell(error)


def _lead_nowhere(stream: TextIO) -> None:
    """Lets what a stream still holds vanish, instead of failing when Python ends."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()

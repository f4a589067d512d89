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
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO, cast

# Between the columns of a table; a screen that is narrower; where a name may be cut.
_BETWEEN = "  "
_NARROWEST = 40
_JOINING = " +:=,/_"


def printable(text: str) -> str:
    r"""Writes out what a terminal obeys rather than shows, ``\x1b`` for an escape.

    Control and format characters, line breaks among them, and halves of characters, as
    in a file name of another encoding.
    """
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else letter
        for letter in text
    )


def excerpt(text: object, most: int = 80) -> str:
    """So many letters of what stands in a file, :func:`printable`, for a message."""
    return printable(str(text)[:most])


def printable_lines(text: str) -> str:
    """:func:`printable` of each line of a text."""
    return "\n".join(map(printable, text.split("\n")))


def note(text: str) -> None:
    """Tells the user something, on the standard error; if it can take no line, nothing.

    A program's own output stays apart from it.
    """
    with contextlib.suppress(OSError):
        # In one piece, as threads and other processes may write there, too.
        print(f"{printable_lines(text)}\n", end="", file=sys.stderr, flush=True)


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
    output = _Forgiving(_opened(sys.stdout), _tell_of_lost_output, printable_lines)
    errors = _Forgiving(_opened(sys.stderr))
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, errors)
    try:
        yield
    except SystemExit as ended:
        output.flush()
        if output.lost and not ended.code:
            raise SystemExit(1) from None
        raise
    finally:
        output.flush()
        errors.flush()
        sys.stdout, sys.stderr = before


def _opened(stream: TextIO | None) -> TextIO:
    """A stream, or one that leads nowhere for one that was closed before the start."""
    return stream or open(os.devnull, "w", encoding="utf-8")


def _tell_of_lost_output(error: OSError) -> None:
    reason = error.strerror or error
    note(f"cannot write to the standard output, which is cut off: {reason}")


class _Forgiving:
    """A stream that forgets what it cannot write, and else is the one it stands for.

    Attributes:
        lost: whether it could not write, though there was a reader.
    """

    def __init__(
        self,
        stream: TextIO,
        tell: Callable[[OSError], Any] = lambda error: None,
        prepare: Callable[[str], str] = str,
    ) -> None:
        """Takes the place of a stream.

        ``tell`` hears once of a failure, unless the reader went away; texts are written
        as ``prepare`` makes them.
        """
        self._stream, self._tell, self._prepare = stream, tell, prepare
        self._failed = self.lost = False
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._attempt(lambda: self._stream.write(self._prepare(text)))
        return len(text)

    def flush(self) -> None:
        self._attempt(self._stream.flush)

    def _attempt(self, act: Callable[[], Any]) -> None:
        if self._failed:
            return
        try:
            act()
        except OSError as error:
            self._failed = True
            _lead_nowhere(self._stream)
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


def align(rows: Sequence[Sequence[str]]) -> str:
    """Writes rows of texts as lines in which every column begins below its heading.

    Control characters of a cell are written out, line breaks among them.
    """
    rows = [[printable(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        _BETWEEN.join(
            text.ljust(width) for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def screen_width() -> int:
    """How many letters a line of the screen holds; 80 where that is not known."""
    return max(shutil.get_terminal_size().columns, _NARROWEST)


def paragraph(text: str) -> str:
    """A text in lines that fit the screen; words and names stay whole."""
    return textwrap.fill(
        text, screen_width(), break_long_words=False, break_on_hyphens=False
    )


def fit(rows: Sequence[Sequence[str]], repeated: int = 1) -> str:
    """Writes a table, :func:`align`, that is no wider than the screen.

    Headings are folded first. Columns that still do not fit stand in further blocks
    below, each with the first columns, so many, repeated; a single one is folded to
    half the screen, and instead of several that take more stands the number of the row.
    """
    rows, repeated = (
        [[printable(text) for text in row] for row in rows],
        max(repeated, 1),
    )
    if _width(rows) <= screen_width():
        return align(rows)
    half = screen_width() // 2
    if repeated > 1 and _width([row[:repeated] for row in rows]) > half:
        numbers = ["", *map(str, range(1, len(rows)))]
        rows = [[number, *row] for number, row in zip(numbers, rows, strict=True)]
        repeated = 1
    columns = list(zip(*rows, strict=True))
    left, blocks = [_folded(column, half) for column in columns[:repeated]], []
    most = screen_width() - _width(_lines(left)) - len(_BETWEEN)
    for column in (_folded(column, most) for column in columns[repeated:]):
        block = blocks[-1] if blocks else None
        if block is None or _width(_lines([*block, column])) > screen_width():
            blocks.append([*left, column])
        else:
            block.append(column)
    return "\n\n".join(align(_lines(_told(block, len(left)))) for block in blocks)


_Column = Sequence[Sequence[str]]
"""The cells of a column, each in lines."""


def _width(rows: Sequence[Sequence[str]]) -> int:
    return max(map(len, align(rows).split("\n")), default=0)


def _folded(column: Sequence[str], most: int) -> _Column:
    """Folds the heading of a column to its cells' width, and cells to what is left."""
    heading, *cells = column
    words = re.findall(f"[^{_JOINING}]+[{_JOINING}]?", heading)
    widest = max(map(len, [*cells, *words]), default=0)
    return [fold(heading, min(widest, most)), *(fold(cell, most) for cell in cells)]


def fold(text: str, most: int) -> list[str]:
    """Cuts a text into lines, behind what joins its words where one is near."""
    lines = []
    while len(text) > most:
        ends = [text.rfind(letter, 0, most + (letter == " ")) for letter in _JOINING]
        space = ends[_JOINING.index(" ")]
        cut = (space if 3 * space >= most else max(ends)) + 1 or most
        lines.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*lines, text]


def _told(columns: Sequence[_Column], repeated: int) -> list[_Column]:
    """Columns without the rows that say no more than what is repeated."""
    heading, *cells = zip(*columns, strict=True)
    kept = [row for row in cells if any(map(any, row[repeated:]))]
    return [list(column) for column in zip(heading, *kept, strict=True)]


def _lines(columns: Sequence[_Column]) -> list[list[str]]:
    """Columns of cells as rows of text, of which a cell may take several."""
    rows = []
    for cells in zip(*columns, strict=True):
        height = max(map(len, cells))
        padded = [[*cell, *[""] * (height - len(cell))] for cell in cells]
        rows += [list(line) for line in zip(*padded, strict=True)]
    return rows

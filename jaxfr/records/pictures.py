"""How every picture is made: its canvas, fonts, title, legend and files.

matplotlib is an extra, ``plots``. A picture is drawn on a canvas of its own: neither
pyplot nor the backend and the settings of a notebook have a part in it.
"""

import contextlib
import importlib
import logging
import math
import os
import pathlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jaxfr.errors import InvalidInputError
from jaxfr.files import replacing
from jaxfr.records.palette import PALETTE
from jaxfr.terminal import fold, note, printable

WIDTHS = {"column": 3.3, "text": 7.0}
"""Inches that a column, and the text over both columns, of a paper are wide."""
TEXT_WIDTH = WIDTHS["text"]
_NARROWEST, _WIDEST = 2.0, 20.0

_DPI = 200
# How much of a picture's width a title or a legend may take.
_SHARE = 0.96
LARGE, SMALL = 8, 7
"""Points of a picture's text, and of what explains it."""
# Letters of the small text that stand in an inch.
_LETTERS = 16
_SETTINGS = {
    **{"font.size": LARGE, "axes.titlesize": LARGE, "axes.labelsize": LARGE},
    **{"xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "axes.linewidth": 0.6},
    **{"legend.fontsize": SMALL, "figure.titlesize": LARGE, "hatch.linewidth": 0.5},
    **{"lines.linewidth": 1.2, "lines.markersize": 3.5, "errorbar.capsize": 1.5},
    **{"grid.alpha": 0.3, "axes.axisbelow": True},
    # Text stays text, in fonts that publishers take, and names of parts do not change.
    **{"svg.fonttype": "none", "svg.hashsalt": "jaxfr", "pdf.fonttype": 42},
}
# What would differ from one time to the next.
_NO_DATE = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    try:
        _import_figure()
    except ImportError:
        return False
    return True


def picture_files(path: pathlib.Path) -> list[pathlib.Path]:
    """The files of a picture: ``.png``, and beside it ``.pdf`` and ``.svg``."""
    return [path.with_suffix(suffix) for suffix in _NO_DATE]


def drawn(
    draw: Callable[[pathlib.Path], Any], path: pathlib.Path
) -> list[pathlib.Path]:
    """Draws a picture of results that are written already; the files that it wrote.

    A failure is only told, and an older picture does not stay at the path either.
    """
    files = picture_files(path)
    try:
        draw(path)
    except Exception as error:  # results must not be lost for a picture
        note(f"not drawn: {path.name}: {' '.join(str(error).split())}")
        for file in files:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
    return [file for file in files if file.exists()]


@contextlib.contextmanager
def picture(path: pathlib.Path, width: float, height: float) -> Iterator[Any]:
    """A figure to draw on; afterwards it is in all of its files.

    Its parts are laid out without overlap, and text has 7 or 8 points. The files of the
    same picture are the same, byte for byte.

    Args:
        path: of the ``.png`` file; the others stand beside it.
        width: in inches, one of ``WIDTHS``.
        height: in inches.

    Raises:
        InvalidInputError: if a file cannot be written.
    """
    made = _import_figure().Figure
    matplotlib = importlib.import_module("matplotlib")
    agg = importlib.import_module("matplotlib.backends.backend_agg")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        matplotlib.rcParams["axes.prop_cycle"] = matplotlib.cycler(color=PALETTE)
        figure = made(figsize=(width, height), dpi=_DPI, layout="constrained")
        agg.FigureCanvasAgg(figure)
        yield figure
        for file in picture_files(path):
            with replacing(file) as unfinished, _any_letters():
                figure.savefig(unfinished, metadata=_NO_DATE[file.suffix])


def width_in_inches(figure_width: str | float) -> float:
    """The width that one of ``WIDTHS`` or a number of inches is.

    Raises:
        InvalidInputError: if it is neither.
    """
    if isinstance(figure_width, str):
        if figure_width in WIDTHS:
            return WIDTHS[figure_width]
    elif _NARROWEST <= figure_width <= _WIDEST:
        return float(figure_width)
    raise InvalidInputError(
        f"figure_width={figure_width!r}: must be {', '.join(WIDTHS)} or {_NARROWEST:g} "
        f"to {_WIDEST:g} inches"
    )


def folded(text: str, letters: int) -> str:
    """A text in lines of so many letters at most, which end where words join."""
    return "\n".join(fold(text, letters))


def rows_and_columns(panels: int, width: float, least: float) -> tuple[int, int]:
    """How so many panels, each at least so many inches wide, stand in a picture.

    >>> rows_and_columns(2, 7.0, least=2.5), rows_and_columns(2, 3.3, least=2.5)
    ((1, 2), (2, 1))
    """
    columns = max(min(panels, int(width / least)), 1)
    return math.ceil(panels / columns), columns


def panels_of(figure: Any, number: int, columns: int, **shared: Any) -> list[Any]:
    """So many panels of a figure, row by row.

    Args:
        figure: of :func:`picture`.
        number: of panels.
        columns: panels in a row, as :func:`rows_and_columns` gives them.
        **shared: ``sharex`` and ``sharey`` of ``figure.subplots``.
    """
    rows = math.ceil(number / columns)
    places = [*figure.subplots(rows, columns, squeeze=False, **shared).flat]
    for axes in places[number:]:
        axes.remove()
    return places[:number]


def label_outer(panels: Sequence[Any], columns: int) -> None:
    """Leaves the labels of axes to the panels on the left and with none below them."""
    for place, axes in enumerate(panels):
        is_left, is_lowest = place % columns == 0, place + columns >= len(panels)
        axes.tick_params(which="both", labelleft=is_left, labelbottom=is_lowest)
        axes.set_xlabel(axes.get_xlabel() if is_lowest else "")
        axes.set_ylabel(axes.get_ylabel() if is_left else "")


def set_title(figure: Any, *texts: str) -> None:
    """Writes titles above a figure, each in as many lines as its width asks for."""
    title = figure.suptitle("", parse_math=False)
    shown = [printable(text) for text in texts if text]
    with _any_letters():
        for letters in range(max(map(len, shown), default=0), 0, -1):
            title.set_text("\n".join(folded(text, letters) for text in shown))
            if _fits(figure, title):
                return


def legend_below(figure: Any) -> None:
    """Puts one legend of everything that is labelled below, chance last."""
    labelled = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            labelled.setdefault(label, handle)
    if "chance" in labelled:
        labelled["chance"] = labelled.pop("chance")
    letters = int(_LETTERS * figure.get_figwidth())
    for columns in range(len(labelled), 0, -1):
        legend = figure.legend(
            labelled.values(),
            [folded(label, letters) for label in labelled],
            loc="outside lower center",
            ncols=columns,
            frameon=False,
            handlelength=3.5,  # so that dashes are told apart
        )
        if columns == 1 or _fits(figure, legend):
            return
        legend.remove()


def _fits(figure: Any, part: Any) -> bool:
    return part.get_window_extent().width <= _SHARE * figure.bbox.width


@contextlib.contextmanager
def _any_letters() -> Iterator[None]:
    """Takes no notice of letters that the font lacks; boxes are drawn for them.

    Nor does it tell of each table of the font that a PDF leaves out.
    """
    told = logging.getLogger("fontTools")
    before = told.level
    told.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            yield
    finally:
        told.setLevel(before)


def _import_figure() -> Any:
    # Matplotlib cannot be imported if a backend is chosen that is not installed.
    chosen = os.environ.pop("MPLBACKEND", None)
    try:
        return importlib.import_module("matplotlib.figure")
    finally:
        if chosen is not None:
            os.environ["MPLBACKEND"] = chosen

"""How every picture is made: its canvas, title, legend and file.

matplotlib is an extra, ``plots``. A picture is drawn on a canvas of its own, so that
neither pyplot nor the backend that a notebook names in the environment has a part in it.
"""

import contextlib
import importlib
import os
import pathlib
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from jaxfr.files import note, replacing
from jaxfr.terminal import printable

# Of a legend, in inches: a sample with the space around it, and a letter.
_SAMPLE, _LETTER = 0.55, 0.072
# How much of a picture's width a title may take.
_TITLE_SHARE = 0.96


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    try:
        _import_figure()
    except ImportError:
        return False
    return True


def drawn(draw: Callable[[pathlib.Path], Any], path: pathlib.Path) -> bool:
    """Draws a picture of results that are written already; a failure is only told.

    Args:
        draw: writes the picture to the path that it is given.
        path: a file that ends in ``.png``. If the picture cannot be drawn, an older one
            does not stay there either.

    Returns:
        Whether it was drawn.
    """
    try:
        draw(path)
    except Exception as error:  # results must not be lost for a picture
        note(f"not drawn: {path.name}: {' '.join(str(error).split())}")
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return False
    return True


def new_figure(width: float, height: float) -> Any:
    """Makes a figure whose parts are laid out without overlap.

    Args:
        width: in inches.
        height: in inches.
    """
    figure = _import_figure().Figure(figsize=(width, height), layout="constrained")
    importlib.import_module("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    return figure


def set_title(figure: Any, text: str) -> None:
    """Writes a title above a figure, in as many lines as its width asks for."""
    title = figure.suptitle("", parse_math=False)
    text = printable(text)
    for letters in range(len(text), 0, -1):
        title.set_text(textwrap.fill(text, letters))
        if title.get_window_extent().width <= _TITLE_SHARE * figure.bbox.width:
            return


def legend_below(figure: Any) -> None:
    """Puts one legend of everything that is labelled below, chance last."""
    labelled = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            labelled.setdefault(label, handle)
    if "chance" in labelled:
        labelled["chance"] = labelled.pop("chance")
    entry = _SAMPLE + _LETTER * max(map(len, labelled))
    per_row = max(1, int(figure.get_figwidth() // entry))
    figure.legend(
        labelled.values(),
        labelled.keys(),
        loc="outside lower center",
        ncols=min(per_row, len(labelled)),
        frameon=False,
    )


def save_figure(figure: Any, path: pathlib.Path) -> None:
    """Writes a figure to a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    with replacing(path) as unfinished, warnings.catch_warnings():
        # A name in letters that the font lacks: boxes are drawn for them.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(unfinished, dpi=150)


def _import_figure() -> Any:
    with _no_chosen_backend():
        return importlib.import_module("matplotlib.figure")


@contextlib.contextmanager
def _no_chosen_backend() -> Iterator[None]:
    """Hides ``MPLBACKEND``: matplotlib cannot be imported if it is not installed."""
    chosen = os.environ.pop("MPLBACKEND", None)
    try:
        yield
    finally:
        if chosen is not None:
            os.environ["MPLBACKEND"] = chosen

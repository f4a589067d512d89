"""How every picture is made: its canvas, title, legend and file.

matplotlib is an extra, ``plots``. A picture is drawn on a canvas of its own: neither
pyplot nor the backend that a notebook names in the environment has a part in it.
"""

import contextlib
import importlib
import os
import pathlib
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from jaxfr.files import replacing
from jaxfr.terminal import note, printable

_DPI = 150
# How much of a picture's width a title or a legend may take.
_SHARE = 0.96


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    try:
        _import_figure()
    except ImportError:
        return False
    return True


def drawn(draw: Callable[[pathlib.Path], Any], path: pathlib.Path) -> bool:
    """Draws a picture of results that are written already, and says whether it could.

    A failure is only told, and an older picture does not stay at the path either.
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
    """Makes a figure of so many inches, its parts laid out without overlap."""
    figure = _import_figure().Figure(
        figsize=(width, height), dpi=_DPI, layout="constrained"
    )
    importlib.import_module("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    return figure


def set_title(figure: Any, text: str) -> None:
    """Writes a title above a figure, in as many lines as its width asks for."""
    title = figure.suptitle("", parse_math=False)
    text = printable(text)
    with _any_letters():
        for letters in range(len(text), 0, -1):
            title.set_text(textwrap.fill(text, letters))
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
    for columns in range(len(labelled), 0, -1):
        legend = figure.legend(
            labelled.values(),
            labelled.keys(),
            loc="outside lower center",
            ncols=columns,
            frameon=False,
        )
        if columns == 1 or _fits(figure, legend):
            return
        legend.remove()


def save_figure(figure: Any, path: pathlib.Path) -> None:
    """Writes a figure to a file that ends in ``.png``."""
    with replacing(path) as unfinished, _any_letters():
        figure.savefig(unfinished, dpi=_DPI)


def _fits(figure: Any, part: Any) -> bool:
    return part.get_window_extent().width <= _SHARE * figure.bbox.width


@contextlib.contextmanager
def _any_letters() -> Iterator[None]:
    """Takes no notice of letters that the font lacks; boxes are drawn for them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def _import_figure() -> Any:
    # Matplotlib cannot be imported if a backend is chosen that is not installed.
    chosen = os.environ.pop("MPLBACKEND", None)
    try:
        return importlib.import_module("matplotlib.figure")
    finally:
        if chosen is not None:
            os.environ["MPLBACKEND"] = chosen

"""What all pictures share."""

import subprocess
import sys

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.records.pictures import (
    can_draw,
    drawn,
    legend_below,
    new_figure,
    save_figure,
    set_title,
)

LONG = "a_log_of_a_whole_year_with_a_name_that_says_it_all.csv, fedmf, mean (sparse), "
NAMES = [
    *(LONG, "short", "no_space_to_break_at_" * 12, "a $b$ $c", "two\nlines \x1b[31m"),
    LONG + "3 % malicious (29 clients), 200 rounds, 5 seeds, sampled ranking",
]


def test_without_matplotlib_nothing_can_be_drawn(monkeypatch):
    assert can_draw()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not can_draw()


@pytest.mark.parametrize("title", NAMES)
@pytest.mark.parametrize("width", [4, 9])
def test_a_title_stands_inside_its_picture(tmp_path, title, width):
    figure = new_figure(width, 3)
    figure.subplots()
    set_title(figure, title)
    save_figure(figure, tmp_path / "picture.png")
    (text,) = [text for text in figure.texts if text.get_text()]
    box = text.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y1 <= figure.bbox.height
    assert figure.axes[0].get_tightbbox().y1 <= box.y0
    assert "\x1b" not in text.get_text()


def test_a_legend_of_many_stands_inside_its_picture(tmp_path):
    figure = new_figure(9, 4)
    axes = figure.subplots()
    for number in range(12):
        axes.plot([0, 1], label=f"fang_full_knowledge_{number}")
    axes.plot([0, 0], label="chance")
    legend_below(figure)
    save_figure(figure, tmp_path / "picture.png")
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert legend.get_texts()[-1].get_text() == "chance"


def test_a_backend_that_is_not_installed_has_no_part_in_a_picture(tmp_path):
    """In a process of its own: matplotlib reads the variable when it is imported."""
    program = (
        "import os, pathlib; from jaxfr.records.pictures import *; "
        "os.environ['MPLBACKEND'] = 'module://no_such_notebook.backend'; "
        f"save_figure(new_figure(3, 2), pathlib.Path({str(tmp_path / 'a.png')!r})); "
        "import sys; assert 'matplotlib.pyplot' not in sys.modules; "
        "assert os.environ['MPLBACKEND'].startswith('module')"
    )
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True
    )
    assert finished.stderr == ""
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_fails_is_told_in_one_line_and_leaves_no_older_one(
    tmp_path, capsys
):
    path = tmp_path / "curves.png"
    path.write_text("of an earlier run")

    def fail(path) -> None:
        raise RuntimeError("Cannot\nlay it out")

    assert not drawn(fail, path)
    assert capsys.readouterr().err == "not drawn: curves.png: Cannot lay it out\n"
    assert not path.exists()


def test_a_picture_that_cannot_be_written_is_reported(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot write"):
        save_figure(new_figure(3, 2), tmp_path / "missing" / "a.png")

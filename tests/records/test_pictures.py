"""What all pictures share."""

import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ET

import matplotlib
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from jaxfr.errors import InvalidInputError
from jaxfr.records.heatmap import draw_heatmap
from jaxfr.records.pictures import (
    WIDTHS,
    can_draw,
    drawn,
    legend_below,
    picture,
    picture_files,
    set_title,
)
from jaxfr.records.plots import draw_curves
from jaxfr.records.summary import Cell

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
@pytest.mark.parametrize("width", WIDTHS.values())
def test_a_title_stands_inside_its_picture(tmp_path, title, width):
    with picture(tmp_path / "picture.png", width, 3) as figure:
        figure.subplots()
        set_title(figure, title)
    (text,) = [text for text in figure.texts if text.get_text()]
    box = text.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y1 <= figure.bbox.height
    assert figure.axes[0].get_tightbbox().y1 <= box.y0
    assert "\x1b" not in text.get_text()


@pytest.mark.parametrize("width", WIDTHS.values())
def test_a_legend_of_many_stands_inside_its_picture(tmp_path, width):
    with picture(tmp_path / "picture.png", width, 4) as figure:
        axes = figure.subplots()
        for number in range(12):
            axes.plot([0, 1], label=f"fang_full_knowledge_{number}")
        axes.plot([0, 1], label="clip_growth + " * 9)
        axes.plot([0, 0], label="chance")
        legend_below(figure)
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert legend.get_texts()[-1].get_text() == "chance"


def draw_some(path: pathlib.Path, width: float) -> None:
    """Curves or, of another name, a heatmap of more columns than have room."""
    attacks = "none", "spattack_o_d", "a_hum"
    if path.stem == "curves":
        curve = [{"round": 1, "hr@10": 0.1, "ndcg@10": 0.1}]
        records = [{"attack": a, "curve": curve, "num_ranked": 100} for a in attacks]
        draw_curves(records, NAMES[-1], path, width)
        return
    cells = [
        Cell((f"a_rule_of_some_name_{rule}", f"{attack}_{number}"), 3, 0.2, 0.1, 0.1)
        for rule in range(2)
        for number in range(5)
        for attack in attacks
    ]
    groups = ["aggregator", "attack"]
    draw_heatmap(cells, groups, "attack", "hr@10", NAMES[-1], path, width)


@pytest.mark.parametrize("width", WIDTHS.values())
@pytest.mark.parametrize("name", ["curves.png", "heatmap.png"])
def test_text_has_7_to_9_points_at_the_width_of_a_paper(
    tmp_path, monkeypatch, name, width
):
    saved = []
    write = Figure.savefig

    def save(self, *arguments, **options):
        saved.append(self)
        write(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", save)
    draw_some(tmp_path / name, width)
    figure = saved[0]
    assert figure.get_figwidth() == pytest.approx(width)
    shown = [text for text in figure.findobj(Text) if text.get_text()]
    assert len(shown) > 10
    assert {text.get_fontsize() for text in shown} <= {7, 8, 9}
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert 0 <= box.x0 < box.x1 <= width
    assert 0 <= box.y0 < box.y1 <= figure.get_figheight()


def test_a_picture_is_the_same_in_all_formats_however_often_it_is_drawn(tmp_path):
    files = picture_files(tmp_path / "curves.png")
    contents = []
    for _ in range(2):
        draw_some(files[0], 7.0)
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("curves.pdf", "curves.png", "curves.svg"),
    ]
    png, pdf, svg = contents[0]
    assert png.startswith(b"\x89PNG")
    assert pdf.startswith(b"%PDF")
    assert b"Date" not in pdf
    words = [
        word.text
        for word in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert "Spattack-O-D" in words


def test_a_users_own_settings_have_no_part_in_a_picture_and_stay(tmp_path):
    path = tmp_path / "curves.png"
    draw_some(path, 3.3)
    usual = path.read_bytes()
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True}):
        draw_some(path, 3.3)
        assert matplotlib.rcParams["font.size"] == 30
    assert path.read_bytes() == usual


def test_a_backend_that_is_not_installed_has_no_part_in_a_picture(tmp_path):
    """In a process of its own: matplotlib reads the variable when it is imported."""
    program = (
        "import os, pathlib; from jaxfr.records.pictures import *; "
        "os.environ['MPLBACKEND'] = 'module://no_such_notebook.backend'; "
        f"path = pathlib.Path({str(tmp_path / 'a.png')!r})\n"
        "with picture(path, 3, 2): pass\n"
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
    for file in picture_files(path):
        file.write_text("of an earlier run")

    def fail(path) -> None:
        raise RuntimeError("Cannot\nlay it out")

    assert not drawn(fail, path)
    assert capsys.readouterr().err == "not drawn: curves.png: Cannot lay it out\n"
    assert not list(tmp_path.iterdir())


def test_a_picture_that_cannot_be_written_is_reported(tmp_path):
    with (
        pytest.raises(InvalidInputError, match="cannot write"),
        picture(tmp_path / "missing" / "a.png", 3, 2),
    ):
        pass

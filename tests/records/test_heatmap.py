"""Heatmaps of means by two groupings."""

import math

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.figure import Figure

from jaxfr.errors import InvalidInputError
from jaxfr.records.grid import WORST_CASE, arrange
from jaxfr.records.heatmap import COLOURS, draw_heatmap, text_colour
from jaxfr.records.summary import Cell


def cell(*group, mean: float = 0.25, runs: int = 3) -> Cell:
    half_width = 0.0625 if runs > 1 else math.nan
    return Cell(group, runs, mean, half_width, half_width)


BY_ATTACK = [
    cell("mean", "none", mean=0.5),
    cell("mean", "spattack_o_d", mean=0.125),
    cell("mean", "spattack_l_s", mean=0.25, runs=1),
    cell("median", "spattack_l_s", mean=0.375),
]


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """The figures that a test saved."""
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure,
        "savefig",
        lambda self, *args, **options: (
            figures.append(self),
            save(self, *args, **options),
        ),
    )
    return figures


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_attacks_are_followed_by_the_worst_case_of_each_row():
    grid = arrange(BY_ATTACK, ["aggregator", "attack"], "attack")
    assert grid.row_names == ["aggregator"]
    assert grid.rows == [("Mean",), ("Median",)]
    assert grid.columns == ["Clean", "Spattack-O-D", "Spattack-L-S", WORST_CASE]
    assert grid.cells == [
        [*BY_ATTACK[:3], BY_ATTACK[1]],
        [None, None, BY_ATTACK[3], BY_ATTACK[3]],
    ]
    assert grid.set_apart


def test_columns_of_numbers_rise_although_the_first_row_lacks_one():
    cells = [cell("mean", 0.1), cell("median", 0.05), cell("median", 0.1)]
    grid = arrange(cells, ["aggregator", "malicious_ratio"], "malicious_ratio")
    assert grid.columns == ["0.05", "0.1"]
    assert grid.cells == [[None, cells[0]], [cells[1], cells[2]]]


def test_several_groupings_label_a_row_by_name_and_value(tmp_path, drawn):
    cells = [cell("median", 0.05, None, "none")]
    group_by = ["aggregator", "malicious_ratio", "clip_norm", "attack"]
    draw_heatmap(cells, group_by, "attack", "hr@10", "", tmp_path / "a.png")
    (label,) = [text.get_text() for text in drawn[0].axes[0].get_yticklabels()]
    assert label.replace("\n", " ") == (
        "aggregator=Median, malicious_ratio=0.05, clip_norm=none"
    )


def test_a_cell_shows_its_mean_and_half_its_interval_if_known(tmp_path, drawn):
    path = tmp_path / "heatmap.png"
    group_by = ["aggregator", "attack"]
    draw_heatmap(BY_ATTACK, group_by, "attack", "hr@10", "the title", path)
    assert path.read_bytes().startswith(b"\x89PNG")
    figure = drawn[0]
    assert {id(one) for one in drawn} == {id(figure)}
    means = ["0.500", "0.125", "0.250", "0.125", "0.375", "0.375"]
    # One run of the first row has no interval.
    assert sorted(texts(figure)) == sorted([*means, *["± 0.062"] * 5])
    assert figure.get_suptitle().startswith("the title\n")
    colour_bar = figure.axes[1]
    assert colour_bar.get_xlabel() == "HR@10"
    assert colour_bar.get_xlim() == (0, 0.5)


def test_the_worst_case_stands_apart(tmp_path, drawn):
    group_by = ["aggregator", "attack"]
    draw_heatmap(BY_ATTACK, group_by, "attack", "hr@10", "", tmp_path / "heatmap.png")
    steps = np.diff(drawn[0].axes[0].get_xticks())
    assert steps[-1] > steps[0] == steps[1]


def test_what_all_cells_stand_beside_is_told_above(tmp_path, drawn):
    cells = [
        cell(name)._replace(chance=0.1, most_popular=popular)
        for name, popular in (("none", 0.4), ("lie", 0.5))
    ]
    draw_heatmap(cells, ["attack"], "attack", "hr@10", "", tmp_path / "a.png")
    told = drawn[0].get_suptitle()
    assert "chance 0.100" in told
    assert "most popular" not in told


def test_the_brightest_colour_is_the_best_also_where_less_is_better(tmp_path, drawn):
    for better, metric in ((True, "hr@10"), (False, "er@10")):
        cells = [
            cell("none", mean=0.5)._replace(higher_is_better=better),
            cell("lie", mean=0.0)._replace(higher_is_better=better),
        ]
        draw_heatmap(cells, ["attack"], "attack", metric, "", tmp_path / "a.png")
        colours = [patch.get_facecolor() for patch in drawn[-1].axes[0].patches]
        assert (sum(colours[0]) > sum(colours[1])) == better
    assert drawn[-1].axes[1].get_xlabel() == "ER@10 (less is better)"


def test_a_cell_whose_runs_lack_the_metric_is_drawn_as_one_without_runs(
    tmp_path, drawn
):
    nobody = Cell(("lie",), 0, math.nan, math.nan, math.nan)
    cells = [cell("none", mean=0.5, runs=1), nobody]
    draw_heatmap(cells, ["attack"], "attack", "hr@10_head", "", tmp_path / "a.png")
    assert texts(drawn[0]) == ["0.500"]
    assert drawn[0].axes[1].get_xlim() == (0, 0.5)
    draw_heatmap([nobody], ["attack"], "attack", "hr@10_head", "", tmp_path / "a.png")
    assert texts(drawn[-1]) == []


def test_a_cell_with_diverged_runs_is_marked(tmp_path, drawn):
    cells = [cell("none", runs=1), cell("lie", runs=1)._replace(diverged=1)]
    draw_heatmap(cells, ["attack"], "attack", "hr@10", "", tmp_path / "a.png")
    assert texts(drawn[0]) == ["0.250", "0.250*", "0.250*"]  # the worst case as well
    assert "* some runs diverged" in drawn[0].get_suptitle()


def test_labels_are_no_formulas_and_hold_no_control_characters(tmp_path, drawn):
    cells = [cell("a$b_$.csv", "x\x1b"), cell("$\\frac$", "y")]
    draw_heatmap(
        cells, ["dataset", "aggregator"], "dataset", "hr@10", "", tmp_path / "a.png"
    )
    labels = [label.get_text() for label in drawn[0].axes[0].get_xticklabels()]
    assert labels == ["a$b_$", "$\\frac$"]
    rows = [label.get_text() for label in drawn[0].axes[0].get_yticklabels()]
    assert rows == ["x\\x1b", "Y"]


def test_more_cells_than_a_picture_can_hold_are_refused(tmp_path):
    cells = [cell(row, "none") for row in range(1000)]
    with pytest.raises(InvalidInputError, match=r"1000 rows .* too many"):
        draw_heatmap(
            cells, ["seed", "attack"], "attack", "hr@10", "", tmp_path / "heatmap.png"
        )


def test_text_is_readable_on_every_colour():
    def luminance(rgb: np.ndarray) -> float:
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    chosen = set()
    for colour in colormaps[COLOURS](np.linspace(0, 1, 256)):
        behind = luminance(colour[:3])
        chosen.add(text_colour(colour))
        written = 1.0 if text_colour(colour) == "white" else 0.0
        contrast = (max(behind, written) + 0.05) / (min(behind, written) + 0.05)
        # What WCAG 2 asks of text.
        assert contrast >= 4.5
    assert chosen == {"white", "black"}

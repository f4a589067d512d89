"""A metric along a setting of numbers, as lines."""

import math

import pytest
from matplotlib.figure import Figure

from jaxfr.errors import InvalidInputError
from jaxfr.records import lines
from jaxfr.records.lines import along_by_default, check_along, draw_lines
from jaxfr.records.summary import Cell

BY = ["aggregator", "malicious_ratio", "attack"]
CELLS = [
    Cell((rule, ratio, attack), 2, mean, 0.01, 0.02, chance=0.1, most_popular=math.nan)
    for rule, clean, slope in (("mean", 0.4, 3.0), ("median", 0.3, 1.0))
    for ratio in (0.01, 0.05, 0.1)
    for attack, mean in (("none", clean), ("lie", clean - slope * ratio))
]


@pytest.fixture
def drawn(tmp_path, monkeypatch) -> list[Figure]:
    """The figures that are drawn."""
    found: list[Figure] = []
    told = lines.set_title
    monkeypatch.setattr(
        lines, "set_title", lambda figure, *t: (found.append(figure), told(figure, *t))
    )
    return found


def test_a_panel_for_each_attack_has_a_line_for_each_defense_from_the_clean_run_on(
    tmp_path, drawn
):
    draw_lines(CELLS, BY, "malicious_ratio", "hr@10", "title", tmp_path / "lines.png")
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".pdf", ".svg"}
    (axes,) = drawn[0].axes
    assert (axes.get_title(), axes.get_xlabel()) == ("LIE", "malicious clients (%)")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "1", "5", "10"]
    curves = {
        bars.get_label(): [*map(float, bars.lines[0].get_ydata())]
        for bars in axes.containers
    }
    assert curves == {
        "Mean": pytest.approx([0.4, 0.37, 0.25, 0.1]),
        "Median": pytest.approx([0.3, 0.29, 0.25, 0.2]),
    }
    assert [text.get_text() for text in axes.texts] == ["chance"]


def test_along_another_setting_the_clean_run_has_a_panel_and_wide_scales_are_log(
    tmp_path, drawn
):
    by = ["learning_rate", "attack"]
    cells = [
        Cell((rate, attack), 1, 0.2, math.nan, math.nan)
        for rate in (0.001, 0.01, 0.1)
        for attack in ("none", "lie")
    ]
    draw_lines(cells, by, "learning_rate", "hr@10", "", tmp_path / "lines.png", 3.3)
    assert [axes.get_title() for axes in drawn[0].axes] == ["Clean", "LIE"]
    assert {axes.get_xscale() for axes in drawn[0].axes} == {"log"}
    assert drawn[0].legends == []


def test_the_setting_of_most_numbers_is_drawn_along_if_it_has_three():
    assert along_by_default(CELLS, BY) == "malicious_ratio"
    assert along_by_default(CELLS[:4], BY) is None


def test_what_has_no_numbers_is_refused():
    with pytest.raises(InvalidInputError, match="must be one of malicious_ratio"):
        check_along(CELLS, BY, "aggregator")
    with pytest.raises(InvalidInputError, match="did you mean malicious_ratio"):
        check_along(CELLS, BY, "malicious_ration")

"""Panels of pictures."""

from experiments.studies.comparison import Runs
from experiments.studies.panels import Column, draw_datasets, panels
from jaxfr.records import TEXT_WIDTH


def test_rows_and_columns_are_named_at_the_edges_and_share_a_rows_scale(tmp_path):
    path, rows = tmp_path / "some.png", ["first", "second"]
    with panels(rows, ["a", "b", "c"], "HR@10", path, TEXT_WIDTH) as axes:
        axes[0, 0].set_ylim(0, 3)
    assert axes.shape == (2, 3)
    assert [panel.get_title() for panel in axes[0]] == ["a", "b", "c"]
    assert [panel.get_ylabel() for panel in axes[:, 0]] == [
        "first\nHR@10",
        "second\nHR@10",
    ]
    assert axes[0, 2].get_ylim() == (0, 3)
    assert axes[1, 2].get_ylim() != (0, 3)


def test_axes_start_at_zero_and_no_panel_of_a_row_is_cut_off(tmp_path):
    seen = []

    def draw(panel, runs, height):
        panel.plot([0.1, height], label="line")
        seen.append(panel)

    columns = [Column(name, "round", height) for name, height in (("a", 0.2), ("b", 1))]
    draw_datasets([Runs("steam")], columns, draw, tmp_path / "some.png", TEXT_WIDTH)
    for panel in seen:
        low, high = panel.get_ylim()
        assert low == 0
        assert high > 0.9
        assert panel.get_xlabel() == "round"
    assert seen[0].get_ylabel() == "Steam\nHR@10"


def test_one_legend_names_everything_once_and_chance_last(tmp_path):
    with panels([""], ["a", "b"], "HR@10", tmp_path / "some.png", TEXT_WIDTH) as axes:
        for panel in axes.flat:
            panel.axhline(0.1, label="chance")
            panel.plot([0, 1], label="clean")
        axes[0, 1].plot([1, 0], label="attacked")
    (legend,) = axes[0, 0].figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["clean", "attacked", "chance"]
    assert (tmp_path / "some.png").read_bytes().startswith(b"\x89PNG")

"""Curves over rounds as a picture."""

import math

import pytest

from jaxfr.records import plots
from jaxfr.records.plots import (
    draw_band,
    draw_curves,
    draw_curves_by,
    drawn_metrics,
    has_curves,
)


def record(attack: str, values: list[float]) -> dict:
    curve = [
        {"round": 10 * index, "hr@10": value, "ndcg@10": value / 2}
        for index, value in enumerate(values)
    ]
    return {"attack": attack, "curve": curve, "num_ranked": 100}


RECORDS = [record("none", [0.1, 0.2]), record("none", [0.1, 0.3])]


def test_curves_become_a_picture(tmp_path):
    path = tmp_path / "curves.png"
    draw_curves([*RECORDS, record("spattack_o_d", [0.1, 0.1])], "title", path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_bands_are_intervals_of_the_mean_over_seeds_and_null_leaves_a_gap():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    curves = [[0.1, 0.2, 0.5], [0.3, 0.2, math.nan]]
    mean = draw_band(axes, [0, 10, 20], curves, color="black")
    assert mean[:2] == pytest.approx([0.2, 0.2])
    assert math.isnan(mean[2])
    (band,) = axes.collections
    ends = band.get_paths()[0].get_extents()
    half = 0.1 * 12.7062  # Student's t of one degree of freedom
    assert (ends.ymin, ends.ymax) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-4)


def test_lines_are_of_runs_that_agree_in_some_options(tmp_path, monkeypatch):
    labels = []
    monkeypatch.setattr(
        plots, "draw_band", lambda *_, label, **__: labels.append(label)
    )
    runs = [{**one, "aggregator": rule} for one in RECORDS for rule in ("mean", "krum")]
    by = ["aggregator", "attack"]
    draw_curves(runs, "title", tmp_path / "curves.png", by=by)
    assert labels == 2 * ["Mean, Clean", "Krum, Clean"]


def test_a_panel_is_of_the_runs_with_one_value_of_an_option(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        plots, "draw_band", lambda axes, *_, label, **__: drawn.append((axes, label))
    )
    runs = [
        {**record(attack, [0.1, 0.2]), "aggregator": rule}
        for attack in ("spattack_o_d", "none", "lie")
        for rule in ("mean", "krum")
    ]
    path = tmp_path / "curves.png"
    draw_curves_by("attack", runs, ["aggregator"], "hr@10", "title", path, 6.0)
    panels = list(dict.fromkeys(axes for axes, _ in drawn))
    titles = [axes.get_title() for axes in panels]
    assert titles == ["Clean", "Spattack-O-D", "LIE"]
    assert [label for _, label in drawn] == 3 * ["Mean", "Krum"]
    # Two in a row: rounds are told below the second too, as no panel is below it.
    assert [axes.get_xlabel() for axes in panels] == ["", "round", "round"]
    assert [axes.get_ylabel() for axes in panels] == ["HR@10", "", "HR@10"]


def test_runs_of_a_group_have_curves_if_all_were_evaluated_alike_and_in_between():
    curved = [record("none", [0.1, 0.2, 0.3]), record("none", [0.1, 0.2, 0.4])]
    others = record("lie", [0.1, 0.2, 0.3, 0.4])
    assert has_curves([*curved, others], ["attack"], "hr@10")
    assert not has_curves([*curved, others], ["aggregator"], "hr@10")
    assert not has_curves(curved, ["attack"], "hr@10_tail")
    assert not has_curves(RECORDS, ["attack"], "hr@10")


def test_the_longest_lists_of_each_kind_are_drawn():
    assert drawn_metrics({}) == ["hr@10", "ndcg@10"]
    chosen = "hr@20,full_hr@5,percentile,hr@5,er@10"
    assert drawn_metrics({"metrics": chosen}) == [
        *("hr@20", "full_hr@5", "percentile", "er@10"),
    ]


def test_a_metric_that_is_null_leaves_a_gap(tmp_path):
    gap = record("none", [0.1, 0.2, 0.3])
    gap["curve"][1]["hr@10"] = None
    draw_curves([gap], "title", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").exists()

"""Curves over rounds as a picture."""

import math

import pytest

from jaxfr.records import plots
from jaxfr.records.plots import draw_band, draw_curves, drawn_metrics


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

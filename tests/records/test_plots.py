import sys

import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.records.plots import can_draw, chance_level, draw_curves


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


def test_a_picture_that_cannot_be_written_is_reported(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot write"):
        draw_curves(RECORDS, "title", tmp_path / "missing" / "curves.png")


def test_chance_is_the_metric_of_a_random_order():
    ranks = np.arange(100)
    hits = np.where(ranks < 10, 1.0, 0.0)
    assert chance_level("hr@10", 100) == pytest.approx(hits.mean())
    assert chance_level("ndcg@10", 100) == pytest.approx(
        (hits / np.log2(ranks + 2)).mean()
    )


def test_with_fewer_items_than_are_shown_every_one_is_a_hit():
    assert chance_level("hr@10", 5) == 1.0


def test_without_matplotlib_nothing_can_be_drawn(monkeypatch):
    assert can_draw()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not can_draw()

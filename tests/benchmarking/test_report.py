"""Records are shown as tables and as a picture."""

import pytest

from jaxfr.benchmarking.report import draw_cost_by_size, format_report
from jaxfr.errors import InvalidInputError
from tests.benchmarking.invented import invented_record


def test_a_row_of_the_table_is_a_case():
    records = [invented_record(pairs, "median", "none") for pairs in (900, 12_000)]
    costs, machine = format_report(records).split("\n\n")
    heading, first, second = costs.splitlines()
    assert heading.split("  ")[0] == "data set"
    assert "0.09 (0.081 to 0.108)" in first
    assert "12,000" in second
    assert "10 GB/s" in machine


def test_costs_are_drawn_by_size(tmp_path):
    pytest.importorskip("matplotlib")
    records = [
        invented_record(pairs, aggregator, attack, num_devices)
        for pairs in (900, 12_000)
        for aggregator in ("mean", "median")
        for attack in ("none", "spattack_o_d")
        for num_devices in (1, 2)
    ]
    draw_cost_by_size(records, tmp_path / "cost.png")
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InvalidInputError, match="cannot write"):
        draw_cost_by_size(records, tmp_path / "nowhere" / "cost.png")

"""Means with intervals, and the worst case over attacks."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jaxfr.errors import InvalidInputError
from jaxfr.records.summary import Cell, summarize, worst_case
from jaxfr.records.tables import summary_table, worst_case_table

values = st.floats(0, 1, allow_subnormal=False)


def record(attack: str = "none", value: float = 0.5, **others) -> dict:
    fixed = {"aggregator": "mean", "clip_norm": None, "seed": 0, "curve": []}
    return {"attack": attack, "hr@10": value} | fixed | others


def cell(*group, mean: float) -> Cell:
    return Cell(group, 3, mean, 0.1, 0.2)


@given(st.lists(values, min_size=2, max_size=12))
def test_the_interval_is_that_of_students_t(numbers):
    (found,) = summarize(
        [record(value=value, seed=seed) for seed, value in enumerate(numbers)],
        ["attack"],
        "hr@10",
    )
    assert (found.group, found.runs) == (("none",), len(numbers))
    assert found.mean == pytest.approx(np.mean(numbers))
    assert found.deviation == pytest.approx(np.std(numbers, ddof=1), abs=1e-12)
    if found.deviation > 1e-9:
        low, high = stats.t.interval(
            0.95, len(numbers) - 1, np.mean(numbers), stats.sem(numbers)
        )
        assert (found.low, found.high) == pytest.approx((low, high))


def test_runs_of_one_seed_are_one_draw_of_it_however_many_there_are():
    once = [record(value=value, seed=seed) for seed, value in enumerate([0.2, 0.4])]
    (alone,) = summarize(once, ["attack"], "hr@10")
    (repeated,) = summarize(once * 4, ["attack"], "hr@10")
    assert (repeated.runs, repeated[2:5]) == (8, alone[2:5])
    (of_one_seed,) = summarize(
        [record(value=v) for v in (0.2, 0.4)], ["attack"], "hr@10"
    )
    assert of_one_seed.mean == pytest.approx(0.3)
    assert math.isnan(of_one_seed.half_width)


def test_the_worst_case_of_a_metric_of_which_less_is_better_is_the_highest():
    values = {"none": 0.1, "lie": 0.4, "fang": 0.2}
    for metric, worst in (("er@10", "lie"), ("hr@10", "fang")):
        records = [record(name) | {metric: value} for name, value in values.items()]
        cells = summarize(records, ["attack"], metric)
        (case,) = worst_case(cells, ["attack"])
        assert case.attack == worst, metric
    table = worst_case_table([case], ["attack"], "percentile_tail")
    assert table.rows[0][-1] == "percentile tail (less is better)"


def test_chance_and_the_most_popular_items_are_rows_where_they_are_one_number():
    def rows(*popular: float) -> list[list[str]]:
        beside = [
            {"chance": {"hr@10": 0.1}, "most_popular": {"hr@10": level}}
            for level in popular
        ]
        records = [record("none") | beside[0], record("lie") | beside[1]]
        cells = summarize(records, ["aggregator", "attack"], "hr@10")
        return summary_table({"hr@10": cells}, ["aggregator", "attack"]).rows

    assert rows(0.4, 0.4)[3:] == [
        ["", "chance", "", "0.1000"],
        ["", "most popular", "", "0.4000"],
    ]
    assert rows(0.4, 0.5) == [
        ["aggregator", "attack", "runs", "HR@10", "most popular"],
        ["mean", "clean", "1", "0.5000", "0.4000"],
        ["mean", "lie", "1", "0.5000", "0.5000"],
        ["", "chance", "", "0.1000", ""],
    ]
    (unknown,) = summarize([record()], ["attack"], "hr@10")
    assert math.isnan(unknown.most_popular)
    assert len(summary_table({"hr@10": [unknown]}, ["attack"]).rows) == 2


@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 3]), values), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_runs_does_not_matter(runs, source: random.Random):
    records = [record(value=value, rounds=rounds) for rounds, value in runs]
    shuffled = source.sample(records, len(records))
    # As texts, since NaN is not equal to itself.
    assert repr(summarize(records, ["rounds"], "hr@10")) == repr(
        summarize(shuffled, ["rounds"], "hr@10")
    )


def test_a_metric_that_no_run_of_a_group_has_is_a_dash():
    records = [
        record(attack) | {"hr@10_head": value}
        for attack, value in (("none", 0.5), ("lie", None), ("fang", 0.25))
    ]
    cells = summarize(records, ["attack"], "hr@10_head")
    assert summary_table({"hr@10_head": cells}, ["attack"]).rows == [
        ["attack", "runs", "HR@10 head"],
        ["clean", "1", "0.5000"],
        ["lie", "0", "-"],
        ["fang", "1", "0.2500"],
    ]
    (worst,) = worst_case(cells, ["attack"])
    assert worst.attack == "fang"
    assert worst_case(cells[:2], ["attack"]) == []


def test_a_clean_run_without_the_metric_gives_no_change():
    records = [
        record(attack) | {"hr@10_head": value}
        for attack, value in (("none", None), ("fang", 0.25))
    ]
    cells = summarize(records, ["attack"], "hr@10_head")
    table = worst_case_table(worst_case(cells, ["attack"]), ["attack"], "hr@10_head")
    assert table.rows[1] == ["-", "fang", "0.2500"]


def test_diverged_runs_are_marked_where_their_means_stand():
    records = [
        record("none", 0.5),
        record("lie", 0.0, dropped_uploads=9),
        record("lie", 0.25, nonfinite_scores=0, seed=1),
    ]
    cells = summarize(records, ["attack"], "hr@10")
    assert [found.diverged for found in cells] == [0, 1]
    assert (
        summary_table({"hr@10": cells}, ["attack"]).rows[2][1] == "2 (1 of 2 diverged)"
    )
    worst = worst_case_table(worst_case(cells, ["attack"]), ["attack"], "hr@10")
    assert worst.rows[1][2] == "0.1250 ± 1.5883 (1 of 2 diverged) (-75 %)"


def test_groups_are_sorted_by_one_grouping_after_another():
    records = [
        record(attack, malicious_ratio=ratio)
        for attack in ("spattack_o_d", "none", "spattack_l_s")
        for ratio in (0.1, 0.03, 0.05)
    ]
    cells = summarize(records, ["malicious_ratio", "attack"], "hr@10")
    assert [found.group for found in cells] == [
        (ratio, attack)
        for ratio in (0.03, 0.05, 0.1)
        for attack in ("none", "spattack_o_d", "spattack_l_s")
    ]


@pytest.mark.parametrize(
    ("group_by", "metric", "message"),
    [
        (["agregator"], "hr@10", "'agregator' is no column; did you mean aggreg"),
        (["attack"], "hr@20", "'hr@20' is no column"),
        (["attack"], "aggregator", "metric aggregator: must be a number"),
        (["attack"], "clip_norm", "but is none"),
    ],
)
def test_an_average_of_what_is_not_there_is_refused(group_by, metric, message):
    with pytest.raises(InvalidInputError) as error:
        summarize([record()], group_by, metric)
    assert message in str(error.value)


def test_the_worst_case_is_the_attack_with_the_lowest_mean():
    cells = [
        cell("mean", "none", mean=0.01),
        cell("mean", "spattack_o_d", mean=0.3),
        cell("mean", "spattack_l_s", mean=0.2),
        cell("median", "spattack_o_d", mean=0.1),
        cell("krum", "none", mean=0.4),
    ]
    mean, median = worst_case(cells, ["aggregator", "attack"])
    assert (mean.group, mean.attack) == (("mean",), "spattack_l_s")
    assert (mean.cell, mean.clean) == (cells[2], cells[0])
    assert (median.group, median.cell, median.clean) == (("median",), cells[3], None)


def test_clean_runs_lack_the_options_of_an_attack_and_stand_beside_it():
    cells = [
        cell("mean", None, "none", mean=0.5),
        cell("mean", 1.0, "lie", mean=0.3),
        cell("median", None, "none", mean=0.4),
        cell("median", 2.0, "lie", mean=0.2),
    ]
    found = worst_case(cells, ["aggregator", "lie_z", "attack"])
    assert [one.clean for one in found] == [cells[0], cells[2]]


def test_the_change_is_relative_to_the_clean_mean():
    cells = [cell("none", mean=0.4), cell("spattack_o_d", mean=0.1)]
    (worst,) = worst_case(cells, ["attack"])
    assert worst.change_percent == pytest.approx(-75)
    (alone,) = worst_case(cells[1:], ["attack"])
    assert math.isnan(alone.change_percent)
    (of_nothing,) = worst_case([cell("none", mean=0.0), cells[1]], ["attack"])
    assert math.isnan(of_nothing.change_percent)


def test_a_summary_has_the_mean_and_half_its_interval():
    cells = [Cell(("trimmed_mean", None), 12, 0.25, 0.1, 0.05)]
    cells.append(Cell(("mean", 0.5), 1, 0.5, math.nan, math.nan))
    assert summary_table({"hr@10": cells}, ["aggregator", "clip_norm"]).rows == [
        ["aggregator", "clip_norm", "runs", "HR@10"],
        ["trimmed_mean", "none", "12", "0.2500 ± 0.0500"],
        ["mean", "0.5", "1", "0.5000"],
    ]


def test_metrics_stand_side_by_side():
    told = {"chance": {"hr@10": 0.1, "hr@10_tail": 0.1}, "hr@10_tail": 0.25}
    records = [
        record("none") | told,
        record("lie", 0.125) | told,
        record("lie", 0.125, seed=1) | told | {"hr@10_tail": None},
    ]
    metrics = ("hr@10", "hr@10_tail")
    cells = {metric: summarize(records, ["attack"], metric) for metric in metrics}
    assert summary_table(cells, ["attack"]).rows == [
        ["attack", "runs", "HR@10", "HR@10 tail"],
        ["clean", "1", "0.5000", "0.2500"],
        ["lie", "2", "0.1250 ± 0.0000", "0.2500 of 1"],
        ["chance", "", "0.1000", "0.1000"],
    ]
    cells["hr@10"] = [one._replace(chance=0.1 * one.runs) for one in cells["hr@10"]]
    assert summary_table(cells, ["attack"]).rows == [
        ["attack", "runs", "HR@10", "HR@10 tail", "chance HR@10", "chance HR@10 tail"],
        ["clean", "1", "0.5000", "0.2500", "0.1000", "0.1000"],
        ["lie", "2", "0.1250 ± 0.0000", "0.2500 of 1", "0.2000", "0.1000"],
    ]


def test_a_worst_case_table_holds_clean_attack_interval_and_change():
    cells = [
        cell("none", "mean", mean=0.8),
        cell("spattack_o_d", "mean", mean=0.4),
        cell("spattack_o_d", "krum", mean=0.5),
    ]
    group_by = ["attack", "aggregator"]
    table = worst_case_table(worst_case(cells, group_by), group_by, "hr@10")
    assert table.rows == [
        ["aggregator", "clean HR@10", "worst attack", "HR@10"],
        ["mean", "0.8000 ± 0.2000", "spattack_o_d", "0.4000 ± 0.2000 (-50 %)"],
        ["krum", "-", "spattack_o_d", "0.5000 ± 0.2000"],
    ]

"""Results as a list that shows itself and turns into data frames."""

import math
import sys
from typing import Any, cast

import pandas
import polars
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.records.results import Results, Rows
from jaxfr.records.summary import summarize
from jaxfr.store import open_store, read_store
from tests.records.whole import older_record, whole_record


def runs() -> Results:
    """Two seeds of two attacks, and one of another that diverged."""
    records = [
        whole_record(run=f"{attack}{seed}-a", attack=attack, seed=seed)
        | {"hr@10": seed / 4, "hr@10_head": None, "dropped_uploads": attack == "fang"}
        for attack, seed in (
            ("none", 0),
            ("none", 1),
            ("lie", 0),
            ("lie", 2),
            ("fang", 3),
        )
    ]
    return Results(records)


def test_attacks_are_compared_over_the_seeds_that_both_have():
    (one,) = runs().where("attack=none|lie").differences(between="attack")
    assert (one["first"], one["second"]) == ("none", "lie")
    assert (one["pairs"], one["mean"], one["low"]) == (1, 0.0, None)
    by_itself = runs().differences("hr@10", between="attack", by=["attack", "seed"])
    assert [row["seed"] for row in by_itself] == [0]


def test_results_are_a_list_of_records():
    results = runs()
    assert results[0]["hr@10"] == 0.0
    assert results == list(results)
    assert len(results) == 5
    assert isinstance(results[1:3], Results)
    assert results[1:3] == list(results)[1:3]
    assert isinstance(results.rows()[:2], Rows)
    chosen = results.where("attack=none|lie", "seed!=0")
    assert isinstance(chosen, Results)
    assert [record["run"] for record in chosen] == ["none1-a", "lie2-a"]


@pytest.mark.parametrize("to", ["to_frame", "to_polars"])
def test_a_frame_has_a_row_for_each_run_with_all_but_the_curve(to):
    results = Results([*runs(), older_record()])
    frame = getattr(results, to)()
    assert isinstance(frame, pandas.DataFrame | polars.DataFrame)
    assert len(frame) == 6
    assert frame["hr@10"].to_list()[:5] == [0, 0.25, 0, 0.5, 0.75]
    assert frame["seed"].dtype == ("int64" if to == "to_frame" else polars.Int64)
    assert {"seconds_train", "version_jax", "lie_z"} <= set(frame.columns)
    assert "curve" not in frame.columns
    # What some runs lack is missing, and what none has is no error.
    missing = [value is None or math.isnan(value) for value in frame["hr@10_head"]]
    assert missing == [True] * 5 + [False]
    mixed = getattr(Rows([{"a": 1, "b": "x"}, {"a": 0.5, "b": 2}, {"c": None}]), to)()
    assert mixed["a"].to_list()[:2] == [1.0, 0.5]
    assert mixed["b"].to_list()[:2] == ["x", "2"]


def test_without_the_package_that_is_said_in_one_line(monkeypatch):
    for name, to in (("pandas", "to_frame"), ("polars", "to_polars")):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(
            InvalidInputError, match=rf"{to}: needs {name}; pip .*frames"
        ):
            getattr(runs(), to)()


def test_curves_are_in_long_form():
    results = runs()
    for number, record in enumerate(results):
        for point in record["curve"]:
            point["ndcg@10"] = number + point["round"]
    rows = results.curves()
    points, metrics = len(results[0]["curve"]), 4
    assert len(rows) == len(results) * points * metrics
    columns = ["run", "attack", "seed", "round", "metric", "value"]
    assert all(list(row) == columns for row in rows)
    for record in results:
        for point in record["curve"]:
            found = {
                row["metric"]: row["value"]
                for row in rows
                if (row["run"], row["round"]) == (record["run"], point["round"])
            }
            assert found == {k: v for k, v in point.items() if k != "round"}
    assert list(results.curves(by=["learning_rate"])[0])[:2] == ["run", "learning_rate"]


def test_curves_over_seeds_are_means_with_intervals():
    results = runs()
    rows = results.curves(by="attack", over_seeds=True)
    of_clean = [record for record in results if record["attack"] == "none"]
    last = results[0]["curve"][-1]["round"]
    (found,) = (
        cast("dict[str, Any]", row)
        for row in rows
        if (row["attack"], row["round"], row["metric"]) == ("none", last, "hr@10")
    )
    values = [record["curve"][-1]["hr@10"] for record in of_clean]
    assert (found["seeds"], found["mean"]) == (2, sum(values) / 2)
    # The t quantile of one degree of freedom is 12.7062.
    half = 12.7062 * abs(values[0] - values[1]) / 2
    assert found["high"] - found["mean"] == pytest.approx(half, rel=1e-5)
    assert found["mean"] - found["low"] == pytest.approx(half, rel=1e-5)


def test_means_are_those_of_the_summary():
    results = runs()
    rows = results.mean("hr@10", "ndcg@10")
    cells = [*summarize(results, ["attack"], "hr@10")]
    assert [row["attack"] for row in rows] == ["none", "lie", "fang"] * 2
    assert [row["mean"] for row in rows[:3]] == [cell.mean for cell in cells]
    assert [row["low"] for row in rows[:2]] == [cell.low for cell in cells[:2]]
    assert rows[2]["low"] is None
    assert rows[2]["diverged"] == 1
    assert rows[0]["chance"] == 0.125
    (worst,) = results.worst_case()
    assert (worst["worst_attack"], worst["mean"], worst["clean_mean"]) == (
        *("lie", 0.25, 0.125),
    )
    with pytest.raises(InvalidInputError, match="'hr@99' is no column"):
        results.mean("hr@99")


def test_results_show_what_differs_the_means_and_what_must_be_said():
    shown = repr(runs()).splitlines()
    assert shown[0] == "5 runs that differ in attack"
    assert shown[3].split() == ["clean", "2", "0.1250", "±", "1.5883"]
    assert any(
        line.startswith("Numbers are means over 1 to 2 seeds,") for line in shown
    )
    assert any("warning: 1 of 5 runs diverged (fang): " in line for line in shown)
    assert max(map(len, shown)) <= 80
    page = runs()._repr_html_()
    assert page.startswith("<p>5 runs that differ in attack")
    assert page.count("<tr>") == 4 + 2 + 2  # with chance and most popular; the worst
    assert "<td>0.1250 ± 1.5883</td>" in page
    assert "diverged (fang)" in page


def test_no_text_of_a_record_is_html_or_commands_a_terminal():
    odd = "<script>a&b</script>\x1b[2J"
    results = Results([whole_record(attack=odd), whole_record(attack="none")])
    assert "<script>" not in results._repr_html_()
    assert "&lt;script&gt;a&amp;b" in results._repr_html_()
    assert "\x1b" not in repr(results) + results._repr_html_()


def test_whatever_the_list_holds_is_shown():
    assert repr(Results()) == "0 runs"
    assert repr(Results([{"x": 1}])) == "1 run"
    assert repr(Rows()) == ""
    assert Results()._repr_html_() == "<p>0 runs</p>"
    many = Rows({"number": number} for number in range(25))
    assert repr(many).splitlines()[-2:] == ["19", "... and 5 more rows"]
    assert many._repr_html_().endswith("... and 5 more rows")


def test_a_store_is_read_as_results(tmp_path):
    records = [whole_record(run="a-b"), older_record(run="c-d")]
    with open_store(tmp_path / "store") as store:
        store.append(records)
    found = Results.read(str(tmp_path / "store"))
    assert found == read_store(tmp_path / "store")
    assert [record["run"] for record in found] == ["a-b", "c-d"]
    assert found.where("run=a-b").mean()[0]["mean"] == found[0]["hr@10"]
    with pytest.raises(InvalidInputError, match="there is no result store"):
        Results.read(tmp_path / "other")

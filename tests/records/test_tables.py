"""Tables of text."""

import re

from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.records.tables import format_table
from jaxfr.terminal import align

COLUMNS = ("hr@5", "ndcg@5", "hr@10", "ndcg@10")
GROUPS = ("hr@10_head", "hr@10_middle", "hr@10_tail")


def record(attack: str, value: float) -> dict:
    return {"attack": attack} | dict.fromkeys((*COLUMNS, *GROUPS), value)


def test_a_row_holds_the_mean_and_the_sample_deviation_over_seeds():
    table = format_table([record("none", 0.2), record("none", 0.4)])
    assert "0.3000 ± 0.1414" in table.splitlines()[1]


def test_the_change_is_relative_to_the_clean_mean():
    table = format_table([record("none", 0.4), record("spattack_o_d", 0.1)])
    clean, attacked = table.splitlines()[1:]
    assert "%" not in clean
    assert "0.1000 (-75 %)" in attacked


def test_without_a_clean_run_no_change_is_given():
    assert "%" not in format_table([record("spattack_o_d", 0.1)])


def test_attacks_stand_in_the_order_of_their_runs():
    runs = [record(name, 0.1) for name in ("spattack_l_s", "none", "spattack_l_s")]
    rows = format_table(runs).splitlines()[1:]
    assert [row.split()[:2] for row in rows] == [["spattack_l_s", "2"], ["none", "1"]]


def test_a_clean_hit_ratio_of_zero_gives_no_change():
    assert "%" not in format_table([record("none", 0.0), record("spattack_o_d", 0.1)])


def test_columns_begin_below_each_other_and_lines_end_without_spaces():
    rows = [("a", "long", ""), ("longer", "b", "c"), ("d", "", "")]
    assert align(rows) == "a       long\nlonger  b     c\nd"


def test_a_metric_that_is_null_in_all_runs_is_a_dash_and_columns_stay_aligned():
    nobody, somebody = record("none", 0.4), record("lie", 0.2)
    nobody["hr@10_head"] = None
    header, clean, attacked = format_table([nobody, somebody]).splitlines()
    head, middle = header.index("HR@10 head"), header.index("HR@10 middle")
    assert [line[head:middle].strip() for line in (clean, attacked)] == ["-", "0.2000"]
    assert clean[middle:].startswith("0.4000")
    assert attacked[middle:].startswith("0.2000 (-50 %)")


def test_runs_in_which_a_metric_is_null_do_not_count_for_it():
    runs = [record("none", value) for value in (0.2, 0.4, 0.9)]
    runs[2]["hr@10_tail"] = None
    assert format_table(runs).splitlines()[1].endswith("0.3000 ± 0.1414")


def test_diverged_runs_are_marked():
    runs = [record("none", 0.4), record("lie", 0.0) | {"dropped_uploads": 3}]
    clean, attacked = format_table(runs).splitlines()[1:]
    assert "diverged" not in clean
    assert attacked.startswith("lie     1 (1 diverged)  ")


def test_the_columns_are_the_metrics_of_the_runs():
    own = {"metrics": "percentile,er@5", "percentile": 0.25, "er@5": 0.5}
    groups = {f"percentile_{group}": 0.3 for group in ("head", "middle", "tail")}
    first, row = format_table([{"attack": "none"} | own | groups]).splitlines()
    assert re.split("  +", first)[2:] == [
        *("percentile (less is better)", "ER@5 (less is better)"),
        *(f"percentile {group} (less is better)" for group in GROUP_NAMES),
    ]
    assert row.split()[2:] == ["0.2500", "0.5000", *["0.3000"] * 3]


def test_chance_and_the_most_popular_items_are_the_last_rows():
    beside = {"chance": {"hr@10": 0.1}, "most_popular": {"hr@10_tail": 0.25}}
    rows = format_table([record("none", 0.4) | beside]).splitlines()
    assert rows[2].split() == ["chance", "-", "-", "0.1000", *["-"] * 4]
    assert rows[3].split() == ["most", "popular", *["-"] * 6, "0.2500"]


def test_no_cell_breaks_a_line_or_commands_a_terminal():
    assert align([("a\x1b[1m", "b"), ("c\nd", "e")]) == "a\\x1b[1m  b\nc\\nd      e"

"""Tables of text."""

import pytest

from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.records.tables import format_table
from jaxfr.terminal import align, fit

COLUMNS = ("hr@5", "ndcg@5", "hr@10", "ndcg@10")
GROUPS = ("hr@10_head", "hr@10_middle", "hr@10_tail")


def record(attack: str, value: float) -> dict:
    return {"attack": attack} | dict.fromkeys((*COLUMNS, *GROUPS), value)


def tables(records: list[dict]) -> list[list[str]]:
    """The lines of the metrics, of the groups, and of what is said of them."""
    return [part.splitlines() for part in format_table(seeded(records)).split("\n\n")]


def seeded(records: list[dict]) -> list[dict]:
    """Each of a seed of its own."""
    return [record | {"seed": seed} for seed, record in enumerate(records)]


@pytest.fixture(autouse=True)
def _a_wide_screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_a_row_holds_the_mean_and_half_its_interval_over_seeds():
    overall, groups, notes = tables([record("none", 0.2), record("none", 0.4)])
    # The t quantile of one degree of freedom is 12.7062; s / sqrt(2) is 0.1.
    assert overall[1].startswith("clean   0.3000 ± 1.2706")
    assert groups[1].startswith("clean   0.3000 ± 1.2706")
    assert "means over 2 seeds, ± half of their 95 % interval by Student's" in notes[0]


def test_of_a_single_seed_no_interval_is_known():
    _, _, notes = tables([record("none", 0.2)])
    assert notes[0] == "Numbers are of a single seed, so that no interval is known."
    *_, notes = tables([record("lie", 0.2), record("none", 0.2), record("none", 0.3)])
    assert "over 1 to 2 seeds" in notes[0]


def test_the_change_is_relative_to_the_clean_mean():
    overall, _, notes = tables([record("none", 0.4), record("spattack_o_d", 0.1)])
    assert "%" not in overall[1]
    assert "0.1000 (-75 %)" in overall[2]
    assert notes[1] == "In brackets: the change against the clean mean."


def test_without_a_clean_run_no_change_is_given():
    assert "%" not in format_table([record("spattack_o_d", 0.1)])


def test_attacks_stand_in_the_order_of_their_runs_and_none_is_called_clean():
    runs = [record(name, 0.1) for name in ("spattack_l_s", "none", "spattack_l_s")]
    for rows in tables(runs)[:2]:
        assert [row.split()[0] for row in rows[1:]] == ["spattack_l_s", "clean"]


def test_a_clean_hit_ratio_of_zero_gives_no_change():
    overall, *_ = tables([record("none", 0.0), record("spattack_o_d", 0.1)])
    assert "%" not in overall[2]


def test_columns_begin_below_each_other_and_lines_end_without_spaces():
    rows = [("a", "long", ""), ("longer", "b", "c"), ("d", "", "")]
    assert align(rows) == "a       long\nlonger  b     c\nd"


def test_a_metric_that_is_null_in_all_runs_is_a_dash_and_columns_stay_aligned():
    nobody, somebody = record("none", 0.4), record("lie", 0.2)
    nobody["hr@10_head"] = None
    _, (header, clean, attacked), _ = tables([nobody, somebody])
    head, middle = header.index("HR@10 head"), header.index("HR@10 middle")
    assert [line[head:middle].strip() for line in (clean, attacked)] == ["-", "0.2000"]
    assert clean[middle:].startswith("0.4000")
    assert attacked[middle:].startswith("0.2000")


def test_runs_in_which_a_metric_is_null_do_not_count_for_it():
    runs = [record("none", value) for value in (0.2, 0.4, 0.9)]
    runs[2]["hr@10_tail"] = None
    assert tables(runs)[1][1].endswith("0.3000 ± 1.2706")


def test_diverged_runs_are_marked():
    runs = [record("none", 0.4), record("lie", 0.0) | {"dropped_uploads": 3}]
    _, clean, attacked = tables(runs)[0]
    assert "diverged" not in clean
    assert attacked.startswith("lie (1 of 1 diverged)  ")


def test_the_columns_are_the_metrics_of_the_runs():
    own = {"metrics": "percentile,er@5", "percentile": 0.25, "er@5": 0.5}
    groups = {f"percentile_{group}": 0.3 for group in ("head", "middle", "tail")}
    overall, by_group, _ = tables([{"attack": "none"} | own | groups])
    less = "(less is better)"
    assert overall[0] == f"attack  percentile {less}  ER@5 {less}"
    assert overall[1].split() == ["clean", "0.2500", "0.5000"]
    assert by_group[0].split("  ")[1:] == [
        f"percentile {group} {less}" for group in GROUP_NAMES
    ]
    assert by_group[1].split()[1:] == ["0.3000"] * 3


def test_chance_and_the_most_popular_items_are_the_last_rows():
    beside = {"chance": {"hr@10": 0.1}, "most_popular": {"hr@10_tail": 0.25}}
    overall, groups, _ = tables([record("none", 0.4) | beside])
    assert [row.split() for row in overall[2:]] == [["chance", "-", "-", "0.1000", "-"]]
    assert [row.split() for row in groups[2:]] == [
        ["most", "popular", "-", "-", "0.2500"]
    ]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_is_wider_than_the_screen(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    names = ["none", "./my_attacks/" + "very_" * 20 + "long.py:name", "lie"]
    runs = [record(name, seed / 8) for name in names for seed in (1, 2)]
    text = format_table(seeded(runs))
    assert max(map(len, text.splitlines())) <= columns
    assert text.count("0.1875 ± 0.7941") == 3 * 7  # nothing is left out


def test_columns_that_do_not_fit_stand_below_with_what_rows_are_of(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    heading = ["attack", "HR@10 (less is better)", "nDCG@10", "ER@10"]
    rows = [
        [name, "0.1 ± 0.25", "0.25 ± 0.125", "0.25 ± 0.1"] for name in ("clean", "lie")
    ]
    assert fit([heading, *rows, ["chance", "", "", "0.1"]]) == (
        "attack  HR@10       nDCG@10\n"
        "        (less is\n"
        "        better)\n"
        "clean   0.1 ± 0.25  0.25 ± 0.125\n"
        "lie     0.1 ± 0.25  0.25 ± 0.125\n"
        "\n"
        "attack  ER@10\n"
        "clean   0.25 ± 0.1\n"
        "lie     0.25 ± 0.1\n"
        "chance  0.1"
    )


def test_where_what_rows_are_of_is_wide_their_number_stands_for_it(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    rows = [["defense", "attack", "HR@10"], ["a" * 18, "b" * 18, "0.1"]]
    assert fit(rows, 2).splitlines() == [
        *("   defense", f"1  {'a' * 18}", ""),
        *("   attack              HR@10", f"1  {'b' * 18}  0.1"),
    ]


def test_no_cell_breaks_a_line_or_commands_a_terminal():
    assert align([("a\x1b[1m", "b"), ("c\nd", "e")]) == "a\\x1b[1m  b\nc\\nd      e"

from jaxfr.records.table import align, format_table

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

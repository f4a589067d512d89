"""Tables of a paper."""

import math

from jaxfr.records.paper import latex, markdown, paper_table
from jaxfr.records.summary import Cell


def cell(*group, mean: float, runs: int = 3) -> Cell:
    half_width = 0.0625 if runs > 1 else math.nan
    return Cell(group, runs, mean, half_width, half_width)


BY_ATTACK = [
    cell("mean", "none", mean=0.5),
    cell("mean", "spattack_o_d", mean=0.125),
    cell("clip_growth:1+krum", "none", mean=0.375)._replace(diverged=1),
    cell("clip_growth:1+krum", "spattack_o_d", mean=0.25),
    cell("./a_b.py:c:an_option=1", "none", mean=0.4375, runs=1),
]
BY = ["aggregator", "attack"]
OF_TWO_DATASETS = [
    cell(dataset, rule, "lie", mean=mean)
    for dataset, rule, mean in (
        *(("ml-100k", "mean", 0.1), ("ml-100k", "krum", 0.2)),
        *(("steam", "mean", 0.6), ("steam", "krum", 0.5)),
    )
]


def test_a_latex_table_marks_best_and_worst_of_each_column():
    table = paper_table(BY_ATTACK, BY, "attack", "aggregator", "hr@10")
    told, needs, *lines = latex(table).splitlines()
    assert told == (
        "% HR@10; mean ± half of its 95 % interval; * some runs diverged; "
        "best bold, worst underlined"
    )
    assert needs == "% \\usepackage{booktabs}"
    assert lines == [
        "\\begin{tabular}{lrrr}",
        "\\toprule",
        "Aggregator & Clean & Spattack-O-D & worst case \\\\",
        "\\midrule",
        "Mean & \\textbf{0.500 $\\pm$ 0.062} & \\underline{0.125 $\\pm$ 0.062}"
        " & \\underline{0.125 $\\pm$ 0.062} \\\\",
        "Clip growth (1) + Krum & \\underline{0.375* $\\pm$ 0.062}"
        " & \\textbf{0.250 $\\pm$ 0.062} & \\textbf{0.250 $\\pm$ 0.062} \\\\",
        "C (an\\_option=1) & 0.438 & - & - \\\\",
        "\\bottomrule",
        "\\end{tabular}",
    ]


def test_a_table_of_a_third_says_what_that_is():
    told = paper_table(BY_ATTACK, BY, "attack", "aggregator", "hr@10_tail").told
    assert told.endswith(
        "; head, middle, tail: users whose test item is among the most, the middling "
        "or the least popular items, with a third of the interactions each"
    )


def test_the_worst_of_fewer_attacks_is_not_marked_as_the_best():
    cells = [*BY_ATTACK, cell("clip_growth:1+krum", "lie", mean=0.375)]
    table = paper_table(cells, BY, "attack", "aggregator", "hr@10")
    (block,) = table.blocks
    assert [row.numbers[-1][1] for row in block] == ["", "", ""]
    assert table.told.endswith("worst case of Mean: of 1 attacks, not 2")
    as_many = [*cells, cell("mean", "lie", mean=0.375)]
    table = paper_table(as_many, BY, "attack", "aggregator", "hr@10")
    (block,) = table.blocks
    assert [row.numbers[-1][1] for row in block] == ["worst", "best", ""]
    assert "worst case" not in table.told


def test_a_markdown_table_says_the_same():
    table = paper_table(BY_ATTACK, BY, "attack", "aggregator", "hr@10")
    shown, told = markdown(table).split("\n\n")
    assert shown.splitlines()[2:] == [
        "| Mean | **0.500 ± 0.062** | <u>0.125 ± 0.062</u> | <u>0.125 ± 0.062</u> |",
        "| Clip growth (1) + Krum | <u>0.375\\* ± 0.062</u> | **0.250 ± 0.062** "
        "| **0.250 ± 0.062** |",
        "| C (an\\_option=1) | 0.438 | - | - |",
    ]
    assert told.endswith("best bold, worst underlined")


def test_rows_are_compared_within_what_else_they_agree_in():
    groups = ["dataset", "aggregator", "attack"]
    table = paper_table(OF_TWO_DATASETS, groups, "attack", "aggregator", "hr@10")
    assert [[row.numbers[0][1] for row in block] for block in table.blocks] == [
        ["worst", "best"],
        ["best", "worst"],
    ]
    assert latex(table).count("\\midrule") == 2


def test_compared_rows_stand_together_in_whichever_order_groups_are():
    # Rules first, then data sets: those of a data set do not stand side by side.
    by_rule = [OF_TWO_DATASETS[place] for place in (0, 2, 1, 3)]
    swapped = [
        one._replace(group=(rule, dataset, attack))
        for one in by_rule
        for dataset, rule, attack in [one.group]
    ]
    groups = ["aggregator", "dataset", "attack"]
    table = paper_table(swapped, groups, "attack", "aggregator", "hr@10")
    assert [[row.labels for row in block] for block in table.blocks] == [
        [("Mean", "ML-100K"), ("Krum", "ML-100K")],
        [("Mean", "Steam"), ("Krum", "Steam")],
    ]


def test_rows_that_are_compared_with_none_have_no_rules_between_them():
    table = paper_table(BY_ATTACK, BY, "attack", "attack", "hr@10")
    assert latex(table).count("\\midrule") == 1


def test_where_less_is_better_the_least_is_best():
    cells = [
        cell(rule, "lie", mean=mean)._replace(higher_is_better=False)
        for rule, mean in (("mean", 0.5), ("krum", 0.25))
    ]
    (block,) = paper_table(cells, BY, "attack", "aggregator", "er@10").blocks
    assert [[mark for _, mark in row.numbers] for row in block] == [
        ["worst", "worst"],
        ["best", "best"],
    ]


def test_attacks_are_compared_along_a_row_and_the_clean_run_is_none():
    (block,) = paper_table(BY_ATTACK[:4], BY, "attack", "attack", "hr@10").blocks[:1]
    assert [mark for _, mark in block[0].numbers] == ["", "", ""]
    cells = [*BY_ATTACK[:2], cell("mean", "lie", mean=0.25)]
    (block,) = paper_table(cells, BY, "attack", "attack", "hr@10").blocks
    assert [mark for _, mark in block[0].numbers] == ["", "worst", "best", ""]

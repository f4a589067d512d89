"""The cells of a summary in rows and columns, as heatmaps and tables show them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.records.chance import REFERENCES
from jaxfr.records.headings import heading
from jaxfr.records.names import value_title
from jaxfr.records.selection import Scalar, in_order
from jaxfr.records.summary import Cell, WorstCase, goodness, worst_case

WORST_CASE = "worst case"
DIVERGED = "*"
"""Behind a mean over runs of which some diverged."""
BEST, WORST = "best", "worst"


class Grid(NamedTuple):
    """Cells in rows and columns, None where there is no run.

    Rows have the titles of the values of several groupings. The last column may be set
    apart from the others.
    """

    row_names: list[str]
    rows: list[tuple[str, ...]]
    columns: list[str]
    cells: list[list[Cell | None]]
    set_apart: bool


def arrange(
    cells: Sequence[Cell],
    group_by: Sequence[str],
    columns: str,
    called: Callable[[str, Scalar], str] = value_title,
) -> Grid:
    """Puts the cells of a summary, of one metric, into rows and columns.

    The grouping ``columns`` forms the columns, and every combination of the others is a
    row. If it is ``attack``, and there is any, a last column that stands apart shows
    the worst case of each row. ``called`` says what a value of a grouping is called.
    """
    place = list(group_by).index(columns)
    others = [name for name in group_by if name != columns]

    def row_of(cell: Cell) -> tuple[Scalar, ...]:
        return cell.group[:place] + cell.group[place + 1 :]

    rows = list(dict.fromkeys(row_of(cell) for cell in cells))
    values = in_order(cell.group[place] for cell in cells)
    by_place = {(row_of(cell), cell.group[place]): cell for cell in cells}
    grid = [[by_place.get((row, value)) for value in values] for row in rows]
    labels = [called(columns, value) for value in values]
    worst = {}
    if columns == "attack":
        worst = {case.group: case.cell for case in worst_case(cells, group_by)}
    if worst:
        labels.append(WORST_CASE)
        grid = [[*line, worst.get(row)] for row, line in zip(rows, grid, strict=True)]
    titles = [tuple(map(called, others, row)) for row in rows]
    return Grid(others, titles, labels, grid, bool(worst))


def marks(
    groups: Sequence[tuple[Scalar, ...]], cells: Sequence[Cell], place: int
) -> dict[tuple[Scalar, ...], str]:
    """The best and the worst of the groups that differ at one place only.

    Equal ones alike; none where all are equal. The clean runs are no attack, and so
    not the weakest.
    """
    alike: dict[tuple[Scalar, ...], dict[tuple[Scalar, ...], float]] = {}
    for group, cell in zip(groups, cells, strict=True):
        if cell.runs and group[place] != CLEAN:
            others = group[:place] + group[place + 1 :]
            alike.setdefault(others, {})[group] = goodness(cell)
    return {
        group: BEST if value == max(values.values()) else WORST
        for values in alike.values()
        for group, value in values.items()
        if min(values.values()) < max(values.values())
        and value in (min(values.values()), max(values.values()))
    }


def explanation(
    cells: Sequence[Cell],
    group_by: Sequence[str],
    called: Callable[[str, Scalar], str] = value_title,
) -> str:
    """What the numbers are, and what they stand beside."""
    parts = []
    if any(cell.runs > 1 for cell in cells):
        parts.append("mean ± half of its 95 % interval")
    if any(cell.diverged for cell in cells):
        parts.append(f"{DIVERGED} some runs diverged")
    levels = common_levels(cells).items()
    parts += [f"{heading(name)} {at:.3f}" for name, at in levels]
    cases = worst_case(cells, group_by)
    most = max((case.attacks for case in cases), default=0)
    others = [name for name in group_by if name != "attack"]
    for case in (case for case in cases if case.attacks < most):
        named = " ".join(map(called, others, case.group))
        parts.append(f"{WORST_CASE} of {named}: of {case.attacks} attacks, not {most}")
    return "; ".join(parts)


def comparable(cases: Sequence[WorstCase], place: int) -> list[WorstCase]:
    """Without those of fewer attacks than others that differ at one place only."""

    def others(case: WorstCase) -> tuple[Scalar, ...]:
        return case.group[:place] + case.group[place + 1 :]

    most: dict[tuple[Scalar, ...], int] = {}
    for case in cases:
        most[others(case)] = max(case.attacks, most.get(others(case), 0))
    return [case for case in cases if case.attacks == most[others(case)]]


def common_levels(cells: Sequence[Cell]) -> dict[str, float]:
    """What chance and the most popular items score, where cells agree to 3 digits."""
    found = {}
    for name in REFERENCES:
        levels = [getattr(cell, name) for cell in cells if cell.runs]
        told = {f"{level:.3f}" for level in levels}
        if len(told) == 1 and "nan" not in told:
            found[name] = levels[0]
    return found

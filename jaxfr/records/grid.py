"""The cells of a summary in rows and columns, as heatmaps and tables show them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.records.chance import REFERENCES
from jaxfr.records.headings import heading
from jaxfr.records.names import value_title
from jaxfr.records.selection import Scalar, in_order, without
from jaxfr.records.summary import Cell, WorstCase, goodness, worst_case

WORST_CASE = "worst case"
DIVERGED = "*"
"""Behind a mean over runs of which some diverged."""
BEST, WORST = "best", "worst"


class Grid(NamedTuple):
    """Cells in rows and columns, None where there is no run.

    Rows have the titles of the values of several groupings. The last column may be set
    apart from the others: the worst case, of so many ``attacks`` in each row.
    """

    row_names: list[str]
    rows: list[tuple[str, ...]]
    columns: list[str]
    cells: list[list[Cell | None]]
    attacks: list[int]

    @property
    def set_apart(self) -> bool:
        """Whether the last column is of worst cases."""
        return bool(self.attacks)


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

    rows = list(dict.fromkeys(without(cell.group, place) for cell in cells))
    values = in_order(cell.group[place] for cell in cells)
    by_place = {(without(cell.group, place), cell.group[place]): cell for cell in cells}
    grid = [[by_place.get((row, value)) for value in values] for row in rows]
    labels = [called(columns, value) for value in values]
    cases = worst_case(cells, group_by) if columns == "attack" else []
    of_rows = {case.group: case for case in cases}
    found = [of_rows.get(row) for row in rows] if cases else []
    if found:
        labels.append(WORST_CASE)
        worst = [case and case.cell for case in found]
        grid = [[*line, cell] for line, cell in zip(grid, worst, strict=True)]
    titles = [tuple(map(called, others, row)) for row in rows]
    attacks = [case.attacks if case else 0 for case in found]
    return Grid(others, titles, labels, grid, attacks)


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
            alike.setdefault(without(group, place), {})[group] = goodness(cell)
    return {
        group: BEST if value == max(values.values()) else WORST
        for values in alike.values()
        for group, value in values.items()
        if min(values.values()) < max(values.values())
        and value in (min(values.values()), max(values.values()))
    }


def explanation(cells: Sequence[Cell], grid: Grid) -> str:
    """What the numbers of a grid's cells are, and what they stand beside."""
    parts = []
    if any(cell.runs > 1 for cell in cells):
        parts.append("mean ± half of its 95 % interval")
    if any(cell.diverged for cell in cells):
        parts.append(f"{DIVERGED} some runs diverged")
    levels = common_levels(cells).items()
    parts += [f"{heading(name)} {at:.3f}" for name, at in levels]
    most = max(grid.attacks, default=0)
    parts += [
        f"{WORST_CASE} of {' '.join(titles)}: of {attacks} attacks, not {most}"
        for titles, attacks in zip(grid.rows, grid.attacks, strict=False)
        if 0 < attacks < most
    ]
    return "; ".join(parts)


def comparable(cases: Sequence[WorstCase], place: int) -> list[WorstCase]:
    """Without those of fewer attacks than others that differ at one place only."""
    most: dict[tuple[Scalar, ...], int] = {}
    for case in cases:
        others = without(case.group, place)
        most[others] = max(case.attacks, most.get(others, 0))
    return [case for case in cases if case.attacks == most[without(case.group, place)]]


def common_levels(cells: Sequence[Cell]) -> dict[str, float]:
    """What chance and the most popular items score, where cells agree to 3 digits."""
    found = {}
    for name in REFERENCES:
        levels = [getattr(cell, name) for cell in cells if cell.runs]
        told = {f"{level:.3f}" for level in levels}
        if len(told) == 1 and "nan" not in told:
            found[name] = levels[0]
    return found

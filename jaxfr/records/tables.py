"""Runs as tables of text: by attack, by any groups, and the worst case of each."""

import math
import re
import statistics
from collections.abc import Sequence

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.names import is_higher_better, overall_fields
from jaxfr.records.caveats import has_diverged
from jaxfr.records.chance import REFERENCES, reference
from jaxfr.records.record import Record
from jaxfr.records.selection import as_text
from jaxfr.records.summary import Cell, WorstCase, summarize
from jaxfr.terminal import align

_AS_IN_PAPERS = {"hr": "HR", "ndcg": "nDCG", "er": "ER"}
_SHORT = re.compile(rf"\b({'|'.join(_AS_IN_PAPERS)})(?=@)")


def format_table(records: Sequence[Record]) -> str:
    """Writes a row for each attack, in the order of first appearance.

    Below them, where they are known, one for chance and one for the most popular items.

    A cell is the mean over seeds and, for two seeds or more, the sample standard
    deviation; against a clean run of the same table stands the change in percent. Runs
    in which a metric is null do not count for it, and where it is null in all of them
    the cell is ``-``. Behind the number of seeds stands how many of the runs diverged.
    """
    columns = _columns(records[0])
    cells = {
        (column, *cell.group): cell
        for column in columns
        for cell in summarize(records, ["attack"], column)
    }
    headings = [f"{heading(column)}{direction(column)}" for column in columns]
    rows = [["attack", "seeds", *headings]]
    for attack in dict.fromkeys(record["attack"] for record in records):
        chosen = [record for record in records if record["attack"] == attack]
        clean = None if attack == CLEAN else CLEAN
        texts = [_compared(cells[c, attack], cells.get((c, clean))) for c in columns]
        told = _diverged(sum(map(has_diverged, chosen)))
        rows.append([attack, f"{len(chosen)}{told}", *texts])
    for name in REFERENCES:
        levels = [[reference(r, name, column) for r in records] for column in columns]
        beside = [_number(statistics.fmean(of_column)) for of_column in levels]
        if any(text != "-" for text in beside):
            rows.append([heading(name), "", *beside])
    return align(rows)


def direction(field: str) -> str:
    """What to write behind the name of a field of which less is better."""
    return "" if is_higher_better(field) else " (less is better)"


def heading(column: str) -> str:
    """Writes the name of a field as papers do, such as ``HR@10 tail``."""
    words = column.replace("_", " ")
    return _SHORT.sub(lambda found: _AS_IN_PAPERS[found[0]], words)


def _columns(record: Record) -> list[str]:
    """All metrics over all users, and the first of these by group: HR@10 if there."""
    names = list(overall_fields(record))
    told = sorted(names, key=lambda name: name != "hr@10")
    in_groups = [name for name in told if f"{name}_{GROUP_NAMES[0]}" in record]
    return names + [
        f"{name}_{group}" for name in in_groups[:1] for group in GROUP_NAMES
    ]


def _compared(cell: Cell, clean: Cell | None) -> str:
    if not cell.runs:
        return "-"
    change = cell.change_percent(clean)
    deviation = f" ± {cell.deviation:.4f}" if cell.runs > 1 else ""
    told = "" if math.isnan(change) else f" ({change:+.0f} %)"
    return f"{cell.mean:.4f}{deviation}{told}"


def format_summary(cells: Sequence[Cell], group_by: Sequence[str], metric: str) -> str:
    """Writes a line for each cell: group, runs, mean, deviation, interval.

    Then chance and the most popular items, where they are known. Behind the number of
    runs stands how many of them diverged.
    """
    told = f"{metric}{direction(metric)}"
    shown = [name for name in REFERENCES if _any_known(cells, name)]
    titles = [heading(name) for name in shown]
    rows = [[*group_by, "runs", told, "deviation", "95 % interval", *titles]]
    for cell in cells:
        group = [as_text(value) for value in cell.group]
        numbers = [_number(cell.mean), _number(cell.deviation), _interval(cell)]
        beside = [_number(getattr(cell, name)) for name in shown]
        rows.append(
            [*group, f"{cell.runs}{_diverged(cell.diverged)}", *numbers, *beside]
        )
    return align(rows)


def format_worst_case(
    cases: Sequence[WorstCase], group_by: Sequence[str], metric: str
) -> str:
    """Writes a line for each group: clean mean, worst attack, its mean, the change.

    Then chance and the most popular items, where they are known. Behind a mean stands
    how many of its runs diverged.
    """
    others = [name for name in group_by if name != "attack"]
    shown = [name for name in REFERENCES if _any_known([c.cell for c in cases], name)]
    told = f"{metric}{direction(metric)}"
    titles = [f"clean {metric}", "worst attack", told, "95 % interval", "change"]
    rows = [[*others, *titles, *map(heading, shown)]]
    for case in cases:
        change, clean = case.change_percent, case.clean
        rows.append(
            [
                *map(as_text, case.group),
                f"{_number(clean.mean)}{_diverged(clean.diverged)}" if clean else "-",
                as_text(case.attack),
                f"{_number(case.cell.mean)}{_diverged(case.cell.diverged)}",
                _interval(case.cell),
                "-" if math.isnan(change) else f"{change:+.1f} %",
                *(_number(getattr(case.cell, name)) for name in shown),
            ]
        )
    return align(rows)


def _any_known(cells: Sequence[Cell], name: str) -> bool:
    return any(not math.isnan(getattr(cell, name)) for cell in cells)


def _diverged(runs: int) -> str:
    return f" ({runs} diverged)" if runs else ""


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _interval(cell: Cell) -> str:
    if math.isnan(cell.half_width):
        return "-"
    return f"[{_number(cell.low)}, {_number(cell.high)}]"

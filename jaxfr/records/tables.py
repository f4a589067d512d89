"""Runs as tables of text: by attack, by any groups, and the worst case of each.

In all of them, as in heatmaps and notebooks, ``±`` is one thing: half the 95 % interval
of a mean over seeds, by Student's t.
"""

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from jaxfr.attacks import CLEAN, CLEAN_RUN
from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.names import overall_fields
from jaxfr.records.caveats import has_diverged
from jaxfr.records.chance import REFERENCES, reference
from jaxfr.records.headings import OF_THIRDS, direction, heading, is_of_third
from jaxfr.records.record import Record
from jaxfr.records.selection import shown
from jaxfr.records.summary import Cell, WorstCase, summarize, worst_case
from jaxfr.terminal import fit, paragraph


class TextTable(NamedTuple):
    """Rows of texts, the headings first.

    Attributes:
        rows: equally long.
        repeated: how many of the first columns say what a row is of.
    """

    rows: list[list[str]]
    repeated: int

    def __str__(self) -> str:
        """Its lines, no wider than the screen."""
        return fit(self.rows, self.repeated)


_IN_BRACKETS = "In brackets: the change against the clean mean."


def format_table(records: Sequence[Record]) -> str:
    """Writes a row for each attack, in the order of first appearance.

    Below them, where they are known, one for chance and one for the most popular items;
    then HR@10 by the popularity of the test item, and what the numbers are. No line is
    wider than the screen.

    A cell is the mean over seeds and, for two seeds or more, half its 95 % interval;
    against a clean run of the same table stands the change in percent. Runs in which a
    metric is null do not count for it, and where it is null in all of them the cell is
    ``-``. Behind an attack stands how many of its runs diverged.
    """
    overall = list(overall_fields(records[0]))
    told = sorted(overall, key=lambda name: name != "hr@10")
    grouped = [name for name in told if f"{name}_{GROUP_NAMES[0]}" in records[0]]
    by_group = [f"{name}_{group}" for name in grouped[:1] for group in GROUP_NAMES]
    tables = [str(_by_attack(records, overall, compared=True))]
    attacks = [record["attack"] for record in records]
    notes = [explanation({attacks.count(attack) for attack in attacks}, "seed")]
    if CLEAN in attacks and len(set(attacks)) > 1:
        notes.append(_IN_BRACKETS)
    if by_group:
        tables.append(str(_by_attack(records, by_group, compared=False)))
        notes.append(f"{OF_THIRDS.capitalize()}.")
    return "\n\n".join([*tables, "\n".join(map(paragraph, notes))])


def explanation(counts: Collection[int], of: str) -> str:
    """Says what the numbers of a table are, and what ``±``.

    Args:
        counts: over how many runs its means are.
        of: what these are called, one of them.
    """
    least, most = min(counts), max(counts)
    if most < 2:
        return f"Numbers are of a single {of}, so that no interval is known."
    several = f"{most}" if least == most else f"{least} to {most}"
    return (
        f"Numbers are means over {several} {of}s, ± half of their 95 % interval "
        f"by Student's t{f' (none is known of a single {of})' * (least < 2)}."
    )


def summary_table(
    cells: Mapping[str, Sequence[Cell]], group_by: Sequence[str]
) -> TextTable:
    """A row for each group: how many runs, and of each metric the mean and interval.

    Then chance and the most popular items, where they are known: a row where they are
    the same for all groups, else columns. Behind the number of runs stands how many of
    them diverged, and behind a mean of fewer, those that have the metric, of how many.

    Args:
        cells: by metric, as :func:`summarize` makes them.
        group_by: the groupings.
    """
    rows = [[*group_by, "runs", *(f"{heading(m)}{direction(m)}" for m in cells)]]
    for row in zip(*cells.values(), strict=True):
        most = max(row, key=lambda cell: cell.runs)
        runs = f"{most.runs}{_diverged(most.diverged, most.runs)}"
        means = [
            f"{_mean(cell)}{f' of {cell.runs}' if 0 < cell.runs < most.runs else ''}"
            for cell in row
        ]
        rows.append([*map(shown, group_by, most.group), runs, *means])
    return TextTable(_with_references(rows, cells, len(group_by)), len(group_by))


def worst_case_table(
    cases: Sequence[WorstCase], group_by: Sequence[str], metric: str
) -> TextTable:
    """A row for each group: clean mean, worst attack, its mean with the change.

    Behind a mean stands how many of its runs diverged, and behind an attack, where rows
    are not the worst of as many attacks, of how many.
    """
    alike = _of_as_many(cases)
    others = [name for name in group_by if name != "attack"]
    told = f"{heading(metric)}{direction(metric)}"
    rows = [[*others, f"{CLEAN_RUN} {heading(metric)}", "worst attack", told]]
    for case in cases:
        attack = shown("attack", case.attack)
        rows.append(
            [
                *map(shown, others, case.group),
                _told_mean(case.clean) if case.clean else "-",
                attack if alike else f"{attack} (of {case.attacks})",
                f"{_told_mean(case.cell)}{_change(case.cell, case.clean)}",
            ]
        )
    return TextTable(rows, len(others))


def results_tables(
    cells: Mapping[str, Sequence[Cell]],
    group_by: Sequence[str],
    averaged: Sequence[str] = (),
) -> tuple[list[TextTable], list[str]]:
    """A table of all means, the worst cases of each metric, and notes on the numbers.

    Args:
        cells: by metric, as :func:`summarize` makes them.
        group_by: the groupings; worst cases are there if the attack is among them.
        averaged: in which options the runs of a group differ, besides the seed.
    """
    counts = {cell.runs for of_metric in cells.values() for cell in of_metric}
    tables = [summary_table(cells, group_by)]
    notes = [explanation(counts, "run" if averaged else "seed")]
    found = {metric: worst_case(one, group_by) for metric, one in cells.items()}
    for metric, cases in found.items():
        if cases:
            tables.append(worst_case_table(cases, group_by, metric))
    if any(case.clean for cases in found.values() for case in cases):
        notes.append(_IN_BRACKETS)
    if not all(map(_of_as_many, found.values())):
        notes.append(
            "Behind a worst attack stands of how many it is the worst: compare those "
            "of as many."
        )
    if any(map(is_of_third, cells)):
        notes.append(f"{OF_THIRDS.capitalize()}.")
    if averaged:
        told = ", ".join(averaged)
        notes.append(
            f"Averaged over runs that differ in {told}, besides the seed: first those "
            "of each seed, whose means the intervals are of."
        )
    return tables, notes


def format_results(
    cells: Mapping[str, Sequence[Cell]],
    group_by: Sequence[str],
    averaged: Sequence[str] = (),
) -> str:
    """Writes :func:`results_tables`, no wider than the screen."""
    tables, notes = results_tables(cells, group_by, averaged)
    return "\n\n".join([*map(str, tables), "\n".join(map(paragraph, notes))])


def _by_attack(
    records: Sequence[Record], columns: Sequence[str], compared: bool
) -> TextTable:
    cells = {
        (column, *cell.group): cell
        for column in columns
        for cell in summarize(records, ["attack"], column)
    }
    rows = [["attack", *(f"{heading(name)}{direction(name)}" for name in columns)]]
    for attack in dict.fromkeys(record["attack"] for record in records):
        chosen = [record for record in records if record["attack"] == attack]
        told = _diverged(sum(map(has_diverged, chosen)), len(chosen))
        clean = CLEAN if compared and attack != CLEAN else None
        texts = [
            f"{_mean(cells[column, attack])}"
            f"{_change(cells[column, attack], cells.get((column, clean)))}"
            for column in columns
        ]
        rows.append([f"{shown('attack', attack)}{told}", *texts])
    for name in REFERENCES:
        levels = [[reference(r, name, column) for r in records] for column in columns]
        beside = [_number(statistics.fmean(of_column)) for of_column in levels]
        if any(text != "-" for text in beside):
            rows.append([heading(name), *beside])
    return TextTable(rows, 1)


def _with_references(
    rows: list[list[str]], cells: Mapping[str, Sequence[Cell]], labels: int
) -> list[list[str]]:
    """Adds a row for each reference behind so many columns of labels, or columns."""
    below = []
    for name in REFERENCES:
        levels = {
            metric: [_number(getattr(cell, name)) for cell in of_metric]
            for metric, of_metric in cells.items()
        }
        known = {metric: own for metric, own in levels.items() if {*own} != {"-"}}
        if known and all(len({*own}) == 1 for own in levels.values()):
            numbers = [own[0] for own in levels.values()]
            below.append([*[""] * (labels - 1), heading(name), "", *numbers])
            continue
        for metric, own in known.items():
            told = f"{heading(name)}{f' {heading(metric)}' * (len(cells) > 1)}"
            rows = [[*row, one] for row, one in zip(rows, [told, *own], strict=True)]
    width = len(rows[0])
    return [*rows, *([*row, *[""] * (width - len(row))] for row in below)]


def _mean(cell: Cell) -> str:
    half = "" if math.isnan(cell.half_width) else f" ± {cell.half_width:.4f}"
    return f"{_number(cell.mean)}{half}"


def _of_as_many(cases: Sequence[WorstCase]) -> bool:
    return len({case.attacks for case in cases}) < 2


def _told_mean(cell: Cell) -> str:
    return f"{_mean(cell)}{_diverged(cell.diverged, cell.runs)}"


def _change(cell: Cell, clean: Cell | None) -> str:
    change = cell.change_percent(clean)
    return "" if math.isnan(change) else f" ({change:+.0f} %)"


def _diverged(runs: int, of: int) -> str:
    return f" ({runs} of {of} diverged)" if runs else ""


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"

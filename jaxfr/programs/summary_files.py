"""The files of a summary: tables of numbers, tables for a paper, and pictures."""

import functools
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from jaxfr.files import write_atomically
from jaxfr.programs import output_flags
from jaxfr.records import export
from jaxfr.records.grid import marks
from jaxfr.records.heatmap import draw_heatmap
from jaxfr.records.lines import along_by_default, draw_lines
from jaxfr.records.paired import Difference, difference_rows, paired_differences
from jaxfr.records.paper import latex, markdown, paper_table
from jaxfr.records.pictures import can_draw, drawn, picture_files
from jaxfr.records.plots import draw_curves_by, has_curves
from jaxfr.records.record import Record
from jaxfr.records.selection import grouped
from jaxfr.records.summary import Cell, WorstCase, summarize, worst_case

SUMMARY_FILE = "summary.csv"
WORST_CASE_FILE = "worst_case.csv"
DIFFERENCES_FILE = "differences.csv"
# How a table is written in a file that ends so.
_FORMS = {".tex": latex, ".md": markdown}
# Lines that can still be told apart in a panel.
_MOST_CURVES = 20

Drawing = Callable[..., None]


class Summary(NamedTuple):
    """All that is found out about runs."""

    group_by: Sequence[str]
    columns: str  # the grouping that forms the columns of a table or a heatmap
    compare: str  # the grouping whose values are compared
    along: str | None  # the grouping of numbers that lines are drawn along
    # Of each metric:
    cells: dict[str, list[Cell]]
    cases: dict[str, list[WorstCase]]
    differences: dict[str, list[Difference]]
    records: Sequence[Record]

    @property
    def beside_compared(self) -> list[str]:
        """The groupings but the compared one."""
        return [name for name in self.group_by if name != self.compare]


def summary_of(
    records: Sequence[Record],
    group_by: Sequence[str],
    columns: str,
    compare: str,
    metrics: Iterable[str],
) -> Summary:
    """Summarises runs, by default along the setting of most numbers.

    Args:
        records: the runs.
        group_by: the groupings.
        columns: the grouping that forms the columns.
        compare: the grouping whose values are compared.
        metrics: what is averaged.
    """
    cells = {metric: summarize(records, group_by, metric) for metric in metrics}
    cases = {metric: worst_case(own, group_by) for metric, own in cells.items()}
    differences = {
        metric: paired_differences(records, group_by, compare, metric)
        for metric in cells
    }
    along = along_by_default(next(iter(cells.values())), group_by)
    cases = {metric: found for metric, found in cases.items() if found}
    told = cells, cases, differences, records
    return Summary(group_by, columns, compare, along, *told)


def write_summary(summary: Summary, title: str) -> list[pathlib.Path]:
    """Writes all files into the folder of the flags, and says which; others go."""
    stems = {metric: metric.replace("@", "_at_") for metric in summary.cells}
    tables = [f"table_{stem}{form}" for stem in stems.values() for form in _FORMS]
    pictures = [f"{what}_{stem}.png" for stem in stems.values() for what in _PICTURES]
    names = [SUMMARY_FILE, WORST_CASE_FILE, DIFFERENCES_FILE, *tables, *pictures]
    folder = output_flags.prepare_output(names)
    if folder is None:
        return []
    written = []
    for name, rows in _numbers(summary).items():
        if rows:
            written.append(folder / name)
            export.write_rows(rows, written[-1])
    for metric, stem in stems.items():
        table = paper_table(summary.cells[metric], *summary[:3], metric)
        for form, written_as in _FORMS.items():
            written.append(folder / f"table_{stem}{form}")
            write_atomically(written[-1], f"{written_as(table)}\n".encode())
    for what, drawing in _PICTURES.items() if can_draw() else ():
        for metric, stem in stems.items():
            draw = drawing(summary, metric, title)
            if draw is not None:
                sized = functools.partial(draw, width=output_flags.figure_width())
                written += drawn(sized, folder / f"{what}_{stem}.png")
    # Of an earlier call, whose other files were replaced.
    for path in map(folder.joinpath, names):
        for file in {path, *picture_files(path)}.difference(written):
            file.unlink(missing_ok=True)
    return written


def _heatmap(summary: Summary, metric: str, title: str) -> Drawing:
    told = *summary[:2], metric, title
    return functools.partial(draw_heatmap, summary.cells[metric], *told)


def _lines(summary: Summary, metric: str, title: str) -> Drawing | None:
    if summary.along is None:
        return None
    told = summary.group_by, summary.along, metric, title
    return functools.partial(draw_lines, summary.cells[metric], *told)


def _curves(summary: Summary, metric: str, title: str) -> Drawing | None:
    records, group_by, panel_by = summary.records, *summary[:2]
    lines = [name for name in group_by if name != panel_by]
    if len(grouped(records, lines)) > _MOST_CURVES:
        return None
    if not has_curves(records, group_by, metric):
        return None
    told = records, lines, metric, title
    return functools.partial(draw_curves_by, panel_by, *told)


# What is drawn of each metric, where there is what it shows.
_PICTURES = {"heatmap": _heatmap, "lines": _lines, "curves": _curves}


def _numbers(summary: Summary) -> dict[str, list[dict[str, export.Scalar]]]:
    """The rows of each file of numbers."""
    place = list(summary.group_by).index(summary.compare)
    marked = [
        found.get(cell.group)
        for own in summary.cells.values()
        for found in [marks([cell.group for cell in own], own, place)]
        for cell in own
    ]
    rows = export.summary_rows(summary.cells, summary.group_by)
    return {
        SUMMARY_FILE: [
            row | {"marked": mark} for row, mark in zip(rows, marked, strict=True)
        ],
        WORST_CASE_FILE: export.worst_case_rows(summary.cases, summary.group_by),
        DIFFERENCES_FILE: [
            row
            for metric, found in summary.differences.items()
            for row in difference_rows(found, summary.beside_compared, metric)
        ],
    }

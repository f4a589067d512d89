"""Runs, their curves and what sums them up, as rows: in files, and as data frames."""

import csv
import importlib
import math
import pathlib
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, TextIO

from jaxfr.errors import InvalidInputError, import_extra
from jaxfr.files import replacing
from jaxfr.records.chance import REFERENCES
from jaxfr.records.record import Record
from jaxfr.records.selection import Scalar, as_text, grouped
from jaxfr.records.summary import Cell, WorstCase, by_seed, estimate

Row = Mapping[str, Scalar]

# How the fields of a nested value begin; elsewhere with the value's own name.
_PREFIXES = {"versions": "version"}

# Halves of characters, as in a file name of another encoding, are written out.
_HALVES = "backslashreplace"
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"-$|[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?( ?%)?$", re.I)


def flatten(record: Record) -> dict[str, Scalar]:
    """Makes one row of a run: every option, the seed, every metric, all else.

    Of a nested value each field becomes a column (``seconds_train``, ``version_jax``);
    lists, as ``curve``, are left out.
    """
    row: dict[str, Scalar] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            prefix = _PREFIXES.get(name, name)
            row |= flatten({f"{prefix}_{field}": one for field, one in value.items()})
        elif not isinstance(value, list):
            row[name] = value
    return row


def curve_rows(
    records: Iterable[Record], options: Iterable[str]
) -> list[dict[str, Scalar]]:
    """Rows of ``run``, options, ``seed``, ``round`` and metrics, one an evaluation."""
    names = ["run", *(name for name in options if name != "seed"), "seed"]
    return [
        {name: record.get(name) for name in names} | point
        for record in records
        for point in record["curve"]
    ]


def mean_curve_rows(
    curves: Sequence[Row], options: Sequence[str], metrics: Container[str]
) -> list[dict[str, Scalar]]:
    """The rows of :func:`curve_rows` as means over seeds, with 95 % intervals.

    It has the options, ``round``, ``metric``, how many ``seeds``, ``mean``, and the
    interval from ``low`` to ``high``; null where it is not known.
    """
    found = []
    names = [*options, "round"]
    for group, points in grouped(curves, names).items():
        labels = dict(zip(names, group, strict=True))
        for metric in (name for name in points[0] if name in metrics):
            values = list(by_seed(points, metric).values())
            mean, _, half = estimate(values)
            found.append(
                {**labels, "metric": metric, "seeds": len(values)}
                | {"mean": _known(mean), "low": _known(mean - half)}
                | {"high": _known(mean + half)}
            )
    return found


def summary_rows(
    cells: Mapping[str, Sequence[Cell]], group_by: Sequence[str]
) -> list[dict[str, Scalar]]:
    """Makes a row for each metric and group of its cells.

    It has the groupings, ``metric``, ``runs``, how many of them ``diverged``, ``mean``,
    ``deviation``, the 95 % interval from ``low`` to ``high``, and what ``chance`` and
    the ``most_popular`` items give; null where it is not known.
    """
    return [
        dict(zip(group_by, cell.group, strict=True)) | {"metric": metric} | _cell(cell)
        for metric, of_metric in cells.items()
        for cell in of_metric
    ]


def worst_case_rows(
    cases: Mapping[str, Sequence[WorstCase]], group_by: Sequence[str]
) -> list[dict[str, Scalar]]:
    """Makes a row for each metric and worst case.

    It has the groupings but the attack, ``metric``, ``clean_mean``, ``worst_attack``,
    the numbers of :func:`summary_rows` under that attack, ``change_percent`` against
    clean, how many of the clean runs diverged, ``clean_diverged``, and of how many
    ``attacks`` it is the worst.
    """
    others = [name for name in group_by if name != "attack"]
    return [
        dict(zip(others, case.group, strict=True))
        | {
            "metric": metric,
            "clean_mean": _known(case.clean.mean if case.clean else math.nan),
            "worst_attack": case.attack,
            **_cell(case.cell),
            "change_percent": _known(case.change_percent),
            "clean_diverged": case.clean.diverged if case.clean else None,
            "attacks": case.attacks,
        }
        for metric, of_metric in cases.items()
        for case in of_metric
    ]


def columns_of(rows: Sequence[Row]) -> dict[str, list[Scalar]]:
    """Rows as columns of one type each, as tables of most programs have them.

    All columns of any row, in the order of their first appearance, null where a row
    lacks one. Whole numbers beside others become floating-point, and numbers beside
    strings become strings.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        _encodable(name): _of_one_type([_encodable(row.get(name)) for row in rows])
        for name in names
    }


def check_table_path(path: pathlib.Path) -> None:
    """Refuses a file that :func:`write_rows` could not write here."""
    if path.suffix not in _WRITERS:
        raise InvalidInputError(f"{path}: must end in {' or '.join(_WRITERS)}")
    if path.suffix == ".parquet":
        import_extra("pyarrow.parquet", "parquet", str(path))


def write_rows(rows: Sequence[Row], path: pathlib.Path) -> None:
    """Writes rows as a table; what stood at the path stays until all is written.

    It has the columns of :func:`columns_of`, in ``.csv`` with null as an empty field,
    no formulas (see :func:`write_csv`) and values as they are; in ``.parquet``, which
    needs pyarrow, a column is of one type.

    Raises:
        InvalidInputError: if the path ends otherwise, or the file cannot be written.
    """
    check_table_path(path)
    with replacing(path) as unfinished:
        _WRITERS[path.suffix](rows, unfinished)


def write_csv(rows: Iterable[Sequence[Scalar]], path: pathlib.Path) -> None:
    """Writes rows to a file as CSV, null as an empty field.

    A text that begins with ``=``, ``+``, ``-``, ``@`` or a tab, carriage return or line
    feed, which spreadsheets may take for a formula, gets a ``'`` in front, so that they
    take it as text. Numbers stay as they are, also as texts and with a ``%`` behind,
    and so does a lone ``-``.

    Raises:
        OSError: if the file cannot be written.
    """
    with path.open("w", newline="", encoding="utf-8", errors=_HALVES) as file:
        writer = csv.writer(_Lines(file), lineterminator="\r\n")
        writer.writerows(map(_csv_field, row) for row in rows)


class _Lines:
    """Ends the lines of a CSV writer with a line feed.

    Told to do so itself, the writer would not quote a carriage return.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> int:
        return self._file.write(line.removesuffix("\r\n") + "\n")


def _cell(cell: Cell) -> dict[str, Scalar]:
    names = ("mean", "deviation", "low", "high", *REFERENCES)
    known = {name: _known(getattr(cell, name)) for name in names}
    return {"runs": cell.runs, "diverged": cell.diverged, **known}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _write_csv(rows: Sequence[Row], path: pathlib.Path) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    write_csv([names, *([row.get(name) for name in names] for row in rows)], path)


def _csv_field(value: Scalar) -> Scalar:
    if value is None:
        return ""
    if isinstance(value, bool):
        return as_text(value)
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.match(value):
        return f"'{value}"
    return value


def _write_parquet(rows: Sequence[Row], path: pathlib.Path) -> None:
    pyarrow = importlib.import_module("pyarrow")
    table = pyarrow.table(columns_of(rows))
    importlib.import_module("pyarrow.parquet").write_table(table, path)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", _HALVES).decode()
    return value


def _of_one_type(values: list[Scalar]) -> list[Scalar]:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) < 2:
        return values
    # Arrow itself refuses whole numbers that a double rounds.
    convert = float if kinds == {int, float} else as_text
    return [None if value is None else convert(value) for value in values]


_WRITERS: dict[str, Callable[[Sequence[Row], pathlib.Path], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}

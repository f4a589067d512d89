"""Runs, their curves and what sums them up, as rows of CSV or Parquet."""

import csv
import importlib
import math
import pathlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO

from jaxfr.errors import InvalidInputError
from jaxfr.files import replacing
from jaxfr.records.chance import REFERENCES
from jaxfr.records.results import Record
from jaxfr.records.selection import Scalar, as_text
from jaxfr.records.summary import Cell, WorstCase

Row = Mapping[str, Scalar]

# How the fields of a nested value begin; elsewhere with the value's own name.
_PREFIXES = {"versions": "version"}

# Halves of characters, as in a file name of another encoding, are written out.
_HALVES = "backslashreplace"
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"-$|[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?( ?%)?$", re.I)


def flatten(record: Record) -> dict[str, Scalar]:
    """Makes one row of a run: every option, the seed, every metric, all else.

    Args:
        record: a run. Of a nested value each field becomes a column
            (``seconds_train``, ``version_jax``); lists, as ``curve``, are left out.
    """
    row: dict[str, Scalar] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            prefix = _PREFIXES.get(name, name)
            row |= flatten(
                {f"{prefix}_{field}": inner for field, inner in value.items()}
            )
        elif not isinstance(value, list):
            row[name] = value
    return row


def curve_rows(
    records: Iterable[Record], options: Iterable[str]
) -> list[dict[str, Scalar]]:
    """Makes a row for each run and evaluation.

    Args:
        records: runs with a ``curve``.
        options: names of options.

    Returns:
        Rows of ``run``, the options, ``seed``, ``round`` and the metrics over all
        users.
    """
    names = ["run", *(name for name in options if name != "seed"), "seed"]
    return [
        {name: record.get(name) for name in names} | point
        for record in records
        for point in record["curve"]
    ]


def summary_rows(
    cells: Mapping[str, Sequence[Cell]], group_by: Sequence[str]
) -> list[dict[str, Scalar]]:
    """Makes a row for each metric and group.

    Args:
        cells: of each metric.
        group_by: the groupings of the cells.

    Returns:
        Rows of the groupings, ``metric``, ``runs``, how many of them ``diverged``,
        ``mean``, ``deviation``, the 95 % interval from ``low`` to ``high``, and what
        ``chance`` and the ``most_popular`` items give; null where it is not known.
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

    Args:
        cases: of each metric.
        group_by: the groupings of the cells, ``attack`` among them.

    Returns:
        Rows of the other groupings, ``metric``, ``clean_mean``, ``worst_attack``, the
        numbers of :func:`summary_rows` under that attack, ``change_percent`` against
        clean, and how many of the clean runs diverged, ``clean_diverged``.
    """
    others = [name for name in group_by if name != "attack"]
    return [
        dict(zip(others, case.group, strict=True))
        | {
            "metric": metric,
            "clean_mean": _known(case.clean.mean if case.clean else math.nan),
        }
        | {"worst_attack": case.attack}
        | _cell(case.cell)
        | {"change_percent": _known(case.change_percent)}
        | {"clean_diverged": case.clean.diverged if case.clean else None}
        for metric, of_metric in cases.items()
        for case in of_metric
    ]


def check_table_path(path: pathlib.Path) -> None:
    """Refuses a file that :func:`write_rows` could not write here.

    Raises:
        InvalidInputError: if the name ends in neither ``.csv`` nor ``.parquet``, or
            in ``.parquet`` and pyarrow is not installed.
    """
    if path.suffix not in _WRITERS:
        raise InvalidInputError(f"{path}: must end in {' or '.join(_WRITERS)}")
    if path.suffix == ".parquet":
        _import_pyarrow(path)


def write_rows(rows: Sequence[Row], path: pathlib.Path) -> None:
    """Writes rows as a table; what stood at the path stays until all is written.

    Args:
        rows: the rows. The table has all their columns, in the order of their first
            appearance; a value that a row lacks is null.
        path: a file that ends in ``.csv``, where null is an empty field and no text is
            a formula (see :func:`write_csv`); or in ``.parquet``, where a column is of
            one type: whole numbers beside others become floating-point, and numbers
            beside strings become strings.

    Raises:
        InvalidInputError: if the path ends otherwise, the file cannot be written, or
            Parquet is asked for and pyarrow is not installed.
    """
    check_table_path(path)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with replacing(path) as unfinished:
        _WRITERS[path.suffix](names, rows, unfinished)


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
    return {
        "runs": cell.runs,
        "diverged": cell.diverged,
        "mean": _known(cell.mean),
        "deviation": _known(cell.deviation),
        "low": _known(cell.low),
        "high": _known(cell.high),
        **{name: _known(getattr(cell, name)) for name in REFERENCES},
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _write_csv(names: list[str], rows: Sequence[Row], path: pathlib.Path) -> None:
    write_csv([names, *([row.get(name) for name in names] for row in rows)], path)


def _csv_field(value: Scalar) -> Scalar:
    if value is None:
        return ""
    if isinstance(value, bool):
        return as_text(value)
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.match(value):
        return f"'{value}"
    return value


def _write_parquet(names: list[str], rows: Sequence[Row], path: pathlib.Path) -> None:
    pyarrow, parquet = _import_pyarrow(path)
    columns = {
        _encodable(name): _arrow_column(
            [_encodable(row.get(name)) for row in rows], pyarrow
        )
        for name in names
    }
    parquet.write_table(pyarrow.table(columns), path)


def _encodable(value: Scalar) -> Scalar:
    if isinstance(value, str):
        return value.encode("utf-8", _HALVES).decode()
    return value


def _arrow_column(values: list[Scalar], pyarrow: Any) -> Any:
    """One typed column; a column without any value has the type null."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        # Arrow itself refuses whole numbers that a double rounds.
        numbers = [None if value is None else float(value) for value in values]
        return pyarrow.array(numbers, pyarrow.float64())
    if len(kinds) > 1:
        texts = [None if value is None else as_text(value) for value in values]
        return pyarrow.array(texts, pyarrow.string())
    types = {
        bool: pyarrow.bool_(),
        int: pyarrow.int64(),
        float: pyarrow.float64(),
        str: pyarrow.string(),
    }
    return pyarrow.array(values, types[kinds.pop()] if kinds else pyarrow.null())


def _import_pyarrow(path: pathlib.Path) -> tuple[Any, Any]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow"), parquet
    except ImportError:
        raise InvalidInputError(
            f"{path}: Parquet needs pip install 'jaxfr[parquet]'"
        ) from None


_WRITERS: dict[str, Callable[[list[str], Sequence[Row], pathlib.Path], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}

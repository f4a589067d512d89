"""A table of interactions in Parquet."""

import importlib
import pathlib
from typing import Any

import numpy as np

from jaxfr.data.columns import Column, TableOptions, find_columns
from jaxfr.data.text_table import (
    SAMPLED_ROWS,
    Interactions,
    first_bad_row,
    rating_of,
)
from jaxfr.data.times import Looks, looks_of, read_times
from jaxfr.errors import InvalidInputError, import_extra


def read_parquet(
    path: pathlib.Path, options: TableOptions | None = None
) -> tuple[Interactions, str]:
    """Reads a Parquet file; columns are found as in a text table with a header.

    Ids are of any type; times are numbers, timestamps, dates, or ISO dates in text. The
    index of a pandas table is none of the columns, unless it is named.

    Raises:
        InvalidInputError: if ``pyarrow`` is missing, the file cannot be read, it cannot
            be told which column is what, or a column has gaps or is of a type that
            cannot be used.
    """
    options = options or TableOptions()
    parquet = import_extra("pyarrow.parquet", "parquet", str(path))
    pyarrow = importlib.import_module("pyarrow")
    if options.header == "no":
        raise InvalidInputError(f"{path}: header=no: columns of Parquet have names")
    try:
        with parquet.ParquetFile(path) as file:
            columns = _describe_columns(file, pyarrow.types)
            chosen = find_columns(columns, options, str(path))
            places = chosen if options.min_rating is not None else chosen[:3]
            names = [columns[place].name for place in places if place is not None]
            all_names = [column.name for column in columns]
            for name in names:
                if all_names.count(name) > 1:
                    told = f"several columns are named {name!r}"
                    raise InvalidInputError(f"{path}: {told}")
            table = file.read(columns=names)
        table.validate(full=True)  # what is damaged may name values that are not there
        rows = table.num_rows
        if options.min_rating is not None:
            ratings = _ratings(table.column(names.pop()), path)
            table = table.filter(pyarrow.array(ratings >= options.min_rating))
        if rows and not table.num_rows:
            reason = f"min_rating={options.min_rating:g}: no row is rated so high"
            raise InvalidInputError(f"{path}: {reason}")
        user, item, *time = (table.column(name).combine_chunks() for name in names)
        for column in (user, item, *time):
            _refuse_gaps(column, path)
        users, items = (column.dictionary_encode() for column in (user, item))
        interactions = Interactions(
            users.indices.to_numpy(zero_copy_only=False),
            items.indices.to_numpy(zero_copy_only=False),
            _times(time[0], path) if time else None,
            users.dictionary.to_pylist(),
            rows - table.num_rows,
        )
        return interactions, chosen.describe(columns, options.min_rating)
    except InvalidInputError:
        raise
    # Damage comes out of pyarrow as anything, also as UnicodeDecodeError.
    except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
        reason = (str(error) or "out of memory").splitlines()[0]
        raise InvalidInputError(f"{path}: cannot be read ({reason})") from None


def _describe_columns(file: Any, types: Any) -> list[Column]:
    schema = file.schema_arrow
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    sample = next(file.iter_batches(SAMPLED_ROWS), None)
    readable = types.is_integer, types.is_floating, types.is_string
    readable += (types.is_large_string,)
    columns = []
    for place, field in enumerate(schema):
        looks = Looks.TEXT
        if types.is_timestamp(field.type) or types.is_date(field.type):
            looks = Looks.DATES
        elif sample is not None and any(is_(field.type) for is_ in readable):
            values = sample.column(place).drop_null().to_pylist()
            looks = looks_of(list(map(str, values)))
        columns.append(Column(field.name, looks, field.name in index))
    return columns


def _refuse_gaps(column: Any, path: pathlib.Path) -> None:
    missing = column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    if missing.any():
        row = missing.argmax() + 1
        raise InvalidInputError(f"{path}, row {row}: a value is missing")


def _ratings(column: Any, path: pathlib.Path) -> np.ndarray:
    """The ratings as numbers, float64."""
    cells = column.to_pylist()
    try:
        ratings = [rating_of(str(cell)) for cell in cells]
    except ValueError:
        place, reason = first_bad_row(
            lambda rows: [*map(rating_of, rows)], [*map(str, cells)]
        )
        raise InvalidInputError(f"{path}, row {place + 1}: {reason}") from None
    return np.array(ratings, np.float64)


def _times(column: Any, path: pathlib.Path) -> np.ndarray:
    """Returns the times as numbers; those of a calendar type as int64."""
    times = column.to_numpy(zero_copy_only=False)
    if times.dtype.kind == "M":
        times = times.astype(np.int64)
    elif len(times) and all(isinstance(time, str) for time in times):
        texts = times.tolist()
        try:
            times = read_times(texts, texts[0])
        except ValueError:
            place, reason = first_bad_row(
                lambda rows: read_times(rows, texts[0]), texts
            )
            raise InvalidInputError(f"{path}, row {place + 1}: {reason}") from None
    if times.dtype.kind not in "iuf" or not np.all(np.isfinite(times)):
        raise InvalidInputError(
            f"{path}: timestamps must be finite numbers, timestamps or ISO dates, "
            f"not {column.type}"
        )
    return times

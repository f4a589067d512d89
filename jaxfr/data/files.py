"""A user's own data: a file of interactions, or a folder with a given split."""

import importlib
import pathlib
from typing import Any

import numpy as np

from jaxfr.data.columns import columns_by_number, find_columns
from jaxfr.data.dataset import Dataset
from jaxfr.data.splitting import leave_one_out
from jaxfr.data.table import Interactions, read_table
from jaxfr.data.text_pair import TEST_FILE, TRAIN_FILE, read_text_pair
from jaxfr.errors import InvalidInputError

_SEPARATORS = {".csv": ",", ".tsv": "\t", ".inter": "\t", ".data": "\t"}
_PARQUET = ".parquet"


def load_path(path: pathlib.Path) -> Dataset:
    """Loads a user's own data; the data set is named like the file or folder.

    Args:
        path: a file of interactions, which is split leave-one-out: comma-separated
            (``.csv``), tab-separated (``.tsv``, ``.inter``, ``.data``; see
            ``read_table``) or ``.parquet`` (see ``read_parquet``); or a folder with
            ``train.txt`` and ``test.txt`` (see ``read_text_pair``).

    Raises:
        InvalidInputError: if the path is neither, or what it holds cannot be used.
    """
    if path.is_dir():
        if (path / TRAIN_FILE).is_file() and (path / TEST_FILE).is_file():
            return read_text_pair(path, name=path.resolve().name)
        raise InvalidInputError(
            f"{path}: a folder must hold {TRAIN_FILE} and {TEST_FILE}"
        )
    return leave_one_out(path.stem, *_read_file(path))


def read_parquet(path: pathlib.Path) -> Interactions:
    """Reads a Parquet file; columns are found as in a text table with a header.

    Args:
        path: the file. Ids are of any type; times are numbers or timestamps.

    Raises:
        InvalidInputError: if ``pyarrow`` is missing, the file cannot be read, or a
            column has gaps or is of a type that cannot be used.
    """
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
        pyarrow: Any = importlib.import_module("pyarrow")
    except ImportError:
        raise InvalidInputError(
            f"{path}: Parquet needs pip install 'jaxfr[parquet]'"
        ) from None
    try:
        names = parquet.read_schema(path).names
        columns = find_columns(names, str(path)) or columns_by_number(
            len(names), str(path)
        )
        table = parquet.read_table(
            path, columns=[names[place] for place in columns if place is not None]
        )
        user, item, *time = (column.combine_chunks() for column in table.columns)
        for column in (user, item, *time):
            if column.null_count:
                row = column.is_null().to_numpy(zero_copy_only=False).argmax()
                raise InvalidInputError(f"{path}, row {row + 1}: a value is missing")
        users, items = (
            column.dictionary_encode().indices.to_numpy(zero_copy_only=False)
            for column in (user, item)
        )
        return Interactions(
            users, items, _parquet_times(time[0], path) if time else None
        )
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidInputError(f"{path}: cannot be read ({reason})") from None


def _read_file(path: pathlib.Path) -> Interactions:
    extension = path.suffix.lower()
    if extension == _PARQUET:
        return read_parquet(path)
    if extension not in _SEPARATORS:
        raise InvalidInputError(
            f"{path}: the file must end in "
            + ", ".join([*_SEPARATORS, _PARQUET])
            + f"; or name a folder with {TRAIN_FILE} and {TEST_FILE}"
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return read_table(lines, _SEPARATORS[extension], str(path))
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}") from None


def _parquet_times(column: Any, path: pathlib.Path) -> np.ndarray:
    """Returns the times as numbers; those of a calendar type as int64."""
    times = column.to_numpy(zero_copy_only=False)
    if times.dtype.kind == "M":
        times = times.astype(np.int64)
    if times.dtype.kind not in "iuf" or not np.all(np.isfinite(times)):
        raise InvalidInputError(
            f"{path}: timestamps must be finite numbers or timestamps, "
            f"not {column.type}"
        )
    return times

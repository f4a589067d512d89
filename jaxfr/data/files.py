"""A user's own data: a file of interactions, or a folder with a given split."""

import pathlib

import numpy as np

from jaxfr.data.dataset import Dataset
from jaxfr.data.interactions import Table
from jaxfr.data.options import LoadOptions, TableOptions
from jaxfr.data.parquet import read_parquet
from jaxfr.data.splitting import leave_one_out
from jaxfr.data.table import read_table
from jaxfr.data.text_pair import TEST_FILE, TRAIN_FILE, read_text_pair
from jaxfr.errors import InvalidInputError
from jaxfr.files import user_errors

_SEPARATORS = {".csv": ",", ".tsv": "\t", ".inter": "\t", ".data": "\t"}
_PARQUET = ".parquet"


def load_path(path: pathlib.Path, options: LoadOptions | None = None) -> Dataset:
    """Loads a user's own data; the data set is named like the file or folder.

    One line tells which column of a table was taken for what, and how many rows were
    read and kept.

    Args:
        path: a file of interactions, which is split leave-one-out: comma-separated
            (``.csv``), tab-separated (``.tsv``, ``.inter``, ``.data``; see
            ``read_table``) or ``.parquet`` (see ``read_parquet``); or a folder with
            ``train.txt`` and ``test.txt`` (see ``read_text_pair``).
        options: how a table is read, and who is told; None for the defaults.

    Raises:
        InvalidInputError: if the path is neither, or what it holds cannot be used.
    """
    options = options or LoadOptions()
    with user_errors("read", path):
        is_folder = path.is_dir()
    if is_folder:
        options.table.refuse_for(f"the folder {path}")
        dataset, rows = _read_folder(path)
        told = "users and items as in the file"
    else:
        table = _read_file(path, options.table)
        dataset, rows = leave_one_out(path.stem, *table.interactions), table.num_rows
        told = table.columns
    options.say(f"jaxfr: {path}: {told}; {_counts(dataset, rows)}")
    return dataset


def _counts(dataset: Dataset, rows: int) -> str:
    """Says what was read and kept."""
    kept = dataset.num_pairs
    untested = dataset.num_users - dataset.num_test_items
    absent = int(np.sum(dataset.item_popularity == 0))
    return (
        f"{rows:,} interactions read, {kept:,} kept, {rows - kept:,} dropped as "
        f"repeated; {dataset.num_users:,} users, {untested:,} of them without a test "
        f"item, {dataset.num_items:,} items"
        + f", {absent:,} of them without an interaction"
        * bool(absent)
    )


def _read_folder(path: pathlib.Path) -> tuple[Dataset, int]:
    with user_errors("read", path):
        files = [(path / name).is_file() for name in (TRAIN_FILE, TEST_FILE)]
    if not all(files):
        raise InvalidInputError(
            f"{path}: a folder must hold {TRAIN_FILE} and {TEST_FILE}"
        )
    return read_text_pair(path, name=path.resolve().name)


def _read_file(path: pathlib.Path, options: TableOptions) -> Table:
    extension = path.suffix.lower()
    if extension not in (*_SEPARATORS, _PARQUET):
        raise InvalidInputError(
            f"{path}: the file must end in "
            + ", ".join([*_SEPARATORS, _PARQUET])
            + f"; or name a folder with {TRAIN_FILE} and {TEST_FILE}"
        )
    if not path.is_file():
        raise InvalidInputError(f"{path}: is not a regular file")
    if extension == _PARQUET:
        return read_parquet(path, options)
    with (
        user_errors("read", path),
        path.open(encoding="utf-8-sig", newline="") as lines,
    ):
        return read_table(lines, _SEPARATORS[extension], str(path), options)

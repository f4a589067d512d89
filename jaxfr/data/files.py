"""A user's own data: a file of interactions, or a folder with a given split."""

import array
import codecs
import gzip
import io
import pathlib
import zlib
from collections.abc import Callable

import numpy as np

from jaxfr.data.columns import TableOptions
from jaxfr.data.dataset import (
    NO_TEST_ITEM,
    Dataset,
    contiguous_ids,
    first_of_each_pair,
    leave_one_out,
)
from jaxfr.data.parquet import read_parquet
from jaxfr.data.text_table import Interactions, read_table
from jaxfr.errors import InvalidInputError
from jaxfr.files import user_errors
from jaxfr.terminal import note

TRAIN_FILE = "train.txt"
TEST_FILE = "test.txt"

# What stands between cells, by the ending of a file; None: it is found.
_SEPARATORS = {
    **{".csv": ",", ".tsv": "\t", ".inter": "\t", ".data": "\t"},
    **{".txt": None, ".dat": None},
}
_PARQUET = ".parquet"
_GZIP = ".gz"
# A larger id is a mistake: arrays have a place for every id up to the largest.
_MAX_ID = 10**8


def load_path(
    path: pathlib.Path,
    options: TableOptions | None = None,
    say: Callable[[str], None] = note,
) -> Dataset:
    """Loads a user's own data; the data set is named like the file or folder.

    It is a file of interactions, which is split leave-one-out: a table in text (see
    ``read_table``), separated by commas (``.csv``), by tabs (``.tsv``, ``.inter``,
    ``.data``) or by what is found (``.txt``, ``.dat``), each also packed (``.csv.gz``);
    or ``.parquet`` (see ``read_parquet``); or a folder with ``train.txt`` and
    ``test.txt`` (see ``read_text_pair``). One line tells which column of a table was
    taken for what, and how much was read and kept; further ones, what of it has no
    part in training or in the evaluation.

    Raises:
        InvalidInputError: if the path is neither, or what it holds cannot be used.
    """
    options = options or TableOptions()
    with user_errors("read", path):
        is_folder = path.is_dir()
    if is_folder:
        options.refuse_for(f"the folder {path}")
        dataset, rows = _read_folder(path)
        told, rated_below, tied = "users and items as in the file", 0, 0
    else:
        found, told = _read_file(path, options)
        rows, rated_below = len(found.users), found.rated_below
        dataset = leave_one_out(table_name(path), *found[:4])
        tied = _tied_at_the_end(*found[:3])
    say(
        f"jaxfr: {path}: {told}; {rows + rated_below:,} interactions read, "
        f"{dataset.num_pairs:,} kept; {dataset.num_users:,} users, "
        f"{dataset.num_items:,} items"
    )
    untested = "without a test item" if is_folder else "with a single interaction"
    set_apart = {
        "interactions rated too low, left out": rated_below,
        "interactions that repeat one of their user and item, left out": rows
        - dataset.num_pairs,
        f"users {untested}, trained but not evaluated": dataset.num_users
        - dataset.num_test_items,
        "users with several items at their last time, of which the last row is the "
        "test item": tied,
        **_untrained_items(dataset),
    }
    for what, count in set_apart.items():
        if count:
            say(f"jaxfr: {path}: {what}: {count:,}")
    return dataset


def _tied_at_the_end(
    users: np.ndarray, items: np.ndarray, timestamps: np.ndarray | None
) -> int:
    """Of how many users the order of rows decides which item is the last."""
    if timestamps is None or not len(users):
        return 0
    by_time = np.argsort(timestamps, kind="stable")
    ids, numbers = contiguous_ids(users)[by_time], contiguous_ids(items)[by_time]
    # A pair that is repeated counts at its first time.
    pairs = ids.astype(np.int64) * (int(numbers.max()) + 1) + numbers
    _, first = np.unique(pairs, return_index=True)
    ids, times = ids[first], timestamps[by_time][first]
    latest = np.full(ids.max() + 1, times.min())
    np.maximum.at(latest, ids, times)
    return int(np.sum(np.bincount(ids[times == latest[ids]]) > 1))


def _untrained_items(dataset: Dataset) -> dict[str, int]:
    is_untrained, occurs = dataset.item_degree == 0, dataset.item_popularity > 0
    return {
        "items in the test set only, on which no user trains": int(
            np.sum(is_untrained & occurs)
        ),
        "items without an interaction": int(np.sum(~occurs)),
    }


def table_name(path: pathlib.PurePath) -> str:
    """What the data set of a file is called: the file's name without its endings."""
    name = path
    for endings in ([_GZIP], [*_SEPARATORS, _PARQUET]):
        if name.suffix.lower() in endings:
            name = name.with_suffix("")
    return name.name


def _read_folder(path: pathlib.Path) -> tuple[Dataset, int]:
    with user_errors("read", path):
        files = [(path / name).is_file() for name in (TRAIN_FILE, TEST_FILE)]
    if not all(files):
        raise InvalidInputError(
            f"{path}: a folder must hold {TRAIN_FILE} and {TEST_FILE}"
        )
    return read_text_pair(path, name=path.resolve().name)


def _read_file(path: pathlib.Path, options: TableOptions) -> tuple[Interactions, str]:
    is_packed = path.suffix.lower() == _GZIP
    extension = (path.with_suffix("") if is_packed else path).suffix.lower()
    if extension not in _SEPARATORS and (extension, is_packed) != (_PARQUET, False):
        raise InvalidInputError(
            f"{path}: the file must end in {', '.join(_SEPARATORS)}, each with {_GZIP} "
            f"behind it or not, or in {_PARQUET}; or name a folder with {TRAIN_FILE} "
            f"and {TEST_FILE}"
        )
    if not path.is_file():
        raise InvalidInputError(f"{path}: is not a regular file")
    if extension == _PARQUET:
        return read_parquet(path, options)
    try:
        with (
            user_errors("read", path),
            path.open("rb") as file,
            gzip.open(file) if is_packed else file as content,
            io.TextIOWrapper(content, "utf-8-sig", newline="") as lines,
        ):
            return read_table(lines, _SEPARATORS[extension], str(path), options)
    except (EOFError, zlib.error) as error:
        raise InvalidInputError(f"{path}: is damaged ({error})") from None


def read_text_pair(folder: pathlib.Path, name: str) -> tuple[Dataset, int]:
    """Reads a data set whose split is given; also how many interactions were read.

    Each line of ``train.txt`` and ``test.txt`` is a user and its items, ``user item
    item ...``, as numbers from 0 with spaces between them; ``test.txt`` has one item
    for each user that is evaluated. Ids of items stay as they are, so that
    ``num_items`` is the largest id plus one. Users are those that some line begins
    with, numbered in the order of their ids. Training items keep the order of the file;
    a repeated one counts once, at its first place.

    Raises:
        InvalidInputError: if a file is missing, a line is not of the format, or the
            two files do not make up a data set.
    """
    train_listed, train_users, train_items = _read_lines(folder / TRAIN_FILE)
    test_listed, test_users, test_items = _read_lines(folder / TEST_FILE, max_items=1)
    tested, lines = np.unique(test_users, return_counts=True)
    if np.any(lines > 1):
        raise InvalidInputError(
            f"{folder / TEST_FILE}: user {tested[lines.argmax()]} has several test "
            "items; leave-one-out takes one"
        )
    user_ids = np.unique(np.concatenate([train_listed, test_listed]))
    num_items = int(max(train_items.max(initial=-1), test_items.max(initial=-1))) + 1
    users = np.searchsorted(user_ids, train_users)
    order = np.argsort(users, kind="stable")
    users, items = first_of_each_pair(users[order], train_items[order], num_items)
    held_out = np.full(len(user_ids), NO_TEST_ITEM, np.int32)
    held_out[np.searchsorted(user_ids, test_users)] = test_items
    dataset = Dataset(
        name,
        len(user_ids),
        num_items,
        users.astype(np.int32),
        items.astype(np.int32),
        held_out,
        user_ids,
    )
    return dataset, len(train_items) + len(test_items)


def _read_lines(
    path: pathlib.Path, max_items: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The user of each line, and user and item of each pair, int64 all."""
    users, lengths, items = array.array("q"), array.array("q"), array.array("q")
    with user_errors("read", path):
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            ids = list(map(int, line.split()))
        except ValueError:
            ids = [-1]
        if not ids:
            continue
        if min(ids) < 0 or max(ids) > _MAX_ID or b"_" in line:
            raise InvalidInputError(
                f"{path}, line {number}: expected `user item item ...`, whole numbers "
                f"from 0 to {_MAX_ID}"
            )
        if max_items is not None and len(ids) - 1 > max_items:
            raise InvalidInputError(
                f"{path}, line {number}: {len(ids) - 1} test items; leave-one-out "
                f"takes {max_items}"
            )
        users.append(ids[0])
        lengths.append(len(ids) - 1)
        items.extend(ids[1:])
    listed = np.array(users, np.int64)
    return listed, np.repeat(listed, lengths), np.array(items, np.int64)

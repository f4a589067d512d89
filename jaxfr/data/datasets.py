"""Data sets by name, from a path, or from a function of one's own.

A data set is told in a text: ``ml-100k``, ``synthetic:num_users=1000:seed=1``,
``my_log.csv``, ``./mine.py:my_data:size=3``. A further one with a name is a factory
(see ``jaxfr/parts.py``) that makes a :class:`Dataset`, and a line in ``DATASETS``.
"""

import contextlib
import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from jaxfr.catalogues import Catalogue, by_name, show_catalogues
from jaxfr.data.columns import TableOptions
from jaxfr.data.dataset import Dataset
from jaxfr.data.files import load_path, table_name
from jaxfr.data.movielens import ml_1m, ml_100k
from jaxfr.data.steam import steam
from jaxfr.data.synthetic import synthetic
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.files import user_errors, user_path
from jaxfr.own_files import OwnFile, own_files
from jaxfr.part_texts import check_made, names_own_file, read_one
from jaxfr.parts import Part
from jaxfr.terminal import note, printable

__all__ = [
    "DATASETS",
    "LoadOptions",
    "check_dataset_text",
    "dataset_name",
    "find_dataset",
    "load_dataset",
    "ml_1m",
    "ml_100k",
    "own_files_of_dataset",
    "steam",
    "synthetic",
]

# Of a folder, so many names are looked at for what may have been meant.
_MOST_NEIGHBOURS = 1000

DATASETS: Catalogue[Dataset] = by_name(ml_100k, ml_1m, steam, synthetic)


@dataclasses.dataclass(frozen=True)
class LoadOptions:
    """What is said of data beside their name.

    Attributes:
        data_dir: folder of the data sets that are not fetched; None stands for the
            environment variable ``JAXFR_DATA_DIR``.
        table: how a user's own table is read.
        say: is told in a line what was read of a user's own data.
    """

    data_dir: str | None = None
    table: TableOptions = dataclasses.field(default_factory=TableOptions)
    say: Callable[[str], None] = note

    def given(self) -> dict[str, object]:
        """What was chosen, by the name of its flag."""
        folder = {} if self.data_dir is None else {"data_dir": self.data_dir}
        return {**folder, **self.table.given()}


def load_dataset(
    data: str | Part[Dataset], options: LoadOptions | None = None, **table: Any
) -> Dataset:
    """Loads a data set, or makes it; ``load_dataset("mine.csv", min_rating=4)``.

    >>> load_dataset("synthetic:num_users=40:num_items=300:num_pairs=600").num_users
    40

    Args:
        data: a name in ``DATASETS``, with options behind colons; a function of a file,
            likewise; a file or folder of the user's own (see ``load_path``); or a part,
            as ``synthetic(num_users=40)`` makes one.
        options: where it is and how it is read; None for the defaults.
        **table: how a table of your own is read, each by the name that ``TableOptions``
            and the command line have for it: ``user_column``, ``item_column``,
            ``time_column``, ``rating_column``, ``min_rating``, ``header``.

    Raises:
        InvalidInputError: if there is no such name or path, or it cannot be loaded.
    """
    options = options or LoadOptions()
    if table:
        fields = dataclasses.replace(options.table, **table)
        options = dataclasses.replace(options, table=fields)
    part = data if isinstance(data, Part) else find_dataset(data)
    if isinstance(part, pathlib.Path):
        return load_path(part, options.table, options.say)
    options.table.refuse_for(str(data))
    if "data_dir" in part.options and part.data_dir is None:
        part = part.replace(data_dir=options.data_dir)
    return check_made(part.make(), Dataset, f"dataset={str(data)!r}")


def find_dataset(text: str) -> Part[Dataset] | pathlib.Path:
    """The part, or the user's own file or folder, that a text names."""
    part = _read(text)
    if part is not None:
        return part
    if text:
        path = user_path(text)
        with user_errors("read", path):
            if path.exists():
                return path
    near = nearest(text.partition(":")[0], DATASETS) or _nearest_path(text)
    raise InvalidInputError(
        f"no data set and no file or folder is named {text!r}; allowed: "
        f"{', '.join(DATASETS)}, or a path{near}"
    )


def _nearest_path(text: str) -> str:
    """``; did you mean ...?`` with what lies in the folder of a path, or nothing."""
    path = pathlib.Path(text)
    with contextlib.suppress(OSError):
        names = (str(one) for one in path.parent.iterdir())
        return printable(nearest(str(path), itertools.islice(names, _MOST_NEIGHBOURS)))
    return ""


def dataset_name(text: str) -> str:
    """What a data set is called in records, tables and pictures: no path, no ending.

    >>> dataset_name("logs/my_log.csv.gz"), dataset_name("synthetic:seed=1")
    ('my_log', 'synthetic:seed=1')
    """
    name, colon, options = text.partition(":")
    if names_own_file(text):
        return f"{pathlib.PurePath(name).name}{colon}{options}"
    if name in DATASETS or not text:
        return text
    path = pathlib.PurePath(text)
    if path.name in ("", ".."):
        path = pathlib.Path(text).resolve()
    found = table_name(path)
    return path.name if found in DATASETS else found or text


def check_dataset_text(text: str, own_files: bool = True) -> str:
    """A data set's text as records have it: without options that are as by default.

    Whether a file is there, or a function of it, is seen when it is loaded. Refuses
    code where it may not be named, and a data set that has no such option or value.
    """
    if names_own_file(text) and own_files:
        return text
    part = _read(text, own_files)
    return text if part is None else str(part)


def own_files_of_dataset(text: str) -> Iterator[OwnFile]:
    """The files of the function that a text names, if it names one."""
    return own_files(_read(text) if names_own_file(text) else None)


def _read(text: str, own_files: bool = True) -> Part[Dataset] | None:
    """The part that a text names; None if it is a path."""
    name, colon, _ = text.partition(":")
    if not names_own_file(text) and name not in DATASETS:
        return None
    try:
        return read_one("dataset", text, DATASETS, own_files)
    except InvalidInputError:
        # A file of one's own may be called ``steam:2.csv``.
        if colon and not names_own_file(text) and user_path(text).exists():
            return None
        raise


show_catalogues(__name__)

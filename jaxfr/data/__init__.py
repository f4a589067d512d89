"""Data sets by name, or from a path.

A further data set is one file with a loader, and one line in ``DATASETS``.
"""

import pathlib
from collections.abc import Mapping

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.data.files import load_path
from jaxfr.data.movielens import load_ml_1m, load_ml_100k
from jaxfr.data.options import (
    Loader,
    LoadOptions,
    SyntheticSettings,
    TableOptions,
    parse_synthetic_settings,
)
from jaxfr.data.statistics import (
    TAIL_DEGREE,
    DatasetStatistics,
    DegreeDistribution,
    dataset_statistics,
    degree_distribution,
)
from jaxfr.data.steam import load_steam
from jaxfr.data.synthetic import load_synthetic, synthetic_dataset
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.files import user_errors, user_path

__all__ = [
    "DATASETS",
    "NO_TEST_ITEM",
    "TAIL_DEGREE",
    "Dataset",
    "DatasetStatistics",
    "DegreeDistribution",
    "LoadOptions",
    "Loader",
    "SyntheticSettings",
    "TableOptions",
    "dataset_statistics",
    "degree_distribution",
    "load_dataset",
    "own_path",
    "parse_synthetic_settings",
    "synthetic_dataset",
]

DATASETS: Mapping[str, Loader] = {
    "ml-100k": load_ml_100k,
    "ml-1m": load_ml_1m,
    "steam": load_steam,
    "synthetic": load_synthetic,
}


def load_dataset(name_or_path: str, options: LoadOptions | None = None) -> Dataset:
    """Loads a data set.

    Args:
        name_or_path: a name in ``DATASETS``, or else a file or folder of the user's
            own (see ``load_path``).
        options: where it is and how it is read; None for the defaults.

    Raises:
        InvalidInputError: if there is no such name or path, or it cannot be loaded.
    """
    options = options or LoadOptions()
    loader = DATASETS.get(name_or_path)
    if loader is None:
        return load_path(own_path(name_or_path), options)
    options.table.refuse_for(name_or_path)
    return loader(options)


def own_path(name: str) -> pathlib.Path:
    """Returns the file or folder that a user names as a data set.

    Raises:
        InvalidInputError: if there is none, or it is out of reach.
    """
    if name:
        path = user_path(name)
        with user_errors("read", path):
            if path.exists():
                return path
    raise InvalidInputError(
        f"no data set and no file or folder is named {name!r}; allowed: "
        f"{', '.join(DATASETS)}, or a path{nearest(name, DATASETS)}"
    )

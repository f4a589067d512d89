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
    parse_synthetic_settings,
)
from jaxfr.data.steam import load_steam
from jaxfr.data.synthetic import load_synthetic
from jaxfr.errors import InvalidInputError

__all__ = [
    "DATASETS",
    "NO_TEST_ITEM",
    "Dataset",
    "LoadOptions",
    "Loader",
    "SyntheticSettings",
    "load_dataset",
    "parse_synthetic_settings",
]

DATASETS: Mapping[str, Loader] = {
    "ml-100k": load_ml_100k,
    "ml-1m": load_ml_1m,
    "steam": load_steam,
    "synthetic": load_synthetic,
}


def load_dataset(
    name_or_path: str,
    *,
    data_dir: str | None = None,
    synthetic: SyntheticSettings | None = None,
) -> Dataset:
    """Loads a data set.

    Args:
        name_or_path: a name in ``DATASETS``, or else a file or folder of the user's
            own (see ``load_path``).
        data_dir: folder of the data sets that are not fetched; None stands for the
            environment variable ``JAXFR_DATA_DIR``.
        synthetic: settings of the data set ``synthetic``; None for the defaults.

    Raises:
        InvalidInputError: if there is no such name or path, or it cannot be loaded.
    """
    loader = DATASETS.get(name_or_path)
    if loader is not None:
        return loader(LoadOptions(data_dir, synthetic or SyntheticSettings()))
    path = pathlib.Path(name_or_path).expanduser()
    if not name_or_path or not path.exists():
        raise InvalidInputError(
            f"no data set and no file or folder is named {name_or_path!r}; allowed: "
            f"{', '.join(DATASETS)}, or a path"
        )
    return load_path(path)

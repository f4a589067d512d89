"""The flags that say where data come from and how they are read, of all programs."""

import dataclasses
from typing import Any

from absl import flags

from jaxfr.data import DATASETS, LoadOptions, TableOptions

DATASET_HELP = (
    f"Data set: {', '.join(DATASETS)}, with its options behind it as in "
    "synthetic:num_users=500:seed=1; see jaxfr list datasets. Or the path of a file "
    "(CSV, TSV, Parquet) of user, item[, timestamp] rows, or of a folder with "
    "train.txt and test.txt; or a function of yours that makes one, as in "
    "./mine.py:my_data. "
    "MovieLens is fetched at its first use."
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of the data sets that are not fetched, one folder each (steam/train.txt, "
    "steam/test.txt). Default: the environment variable JAXFR_DATA_DIR.",
)
_WHICH = "in a table of your own: its name in the header, or its number from 1."
flags.DEFINE_string("user_column", None, f"The column of users {_WHICH}")
flags.DEFINE_string("item_column", None, f"The column of items {_WHICH}")
flags.DEFINE_string(
    "time_column",
    None,
    f"The column of times {_WHICH} none: there is none, and the order of the rows is "
    "the order of time.",
)
flags.DEFINE_string(
    "rating_column",
    None,
    f"The column of ratings or counts {_WHICH} It is not used, and never taken for a "
    "time. none: there is none.",
)
flags.DEFINE_enum(
    "header",
    "auto",
    ["auto", "yes", "no"],
    "Whether the first row of a table of your own names its columns.",
)


def load_options() -> LoadOptions:
    """What the flags say of how data are loaded."""
    names = [field.name for field in dataclasses.fields(TableOptions)]
    chosen: dict[str, Any] = {name: flags.FLAGS[name].value for name in names}
    return LoadOptions(data_dir=_DATA_DIR.value, table=TableOptions(**chosen))

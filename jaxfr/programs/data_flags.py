"""The flags that say where data come from and how they are read, of all programs."""

import dataclasses
from typing import Any

from absl import flags

from jaxfr.data import DATASETS, LoadOptions, TableOptions
from jaxfr.programs.flag_parsers import define_choice, define_number
from jaxfr.ranges import ANY_NUMBER

DATASET_HELP = (
    f"Data set: {', '.join(DATASETS)}, with its options behind it as in "
    "synthetic:num_users=500:seed=1; see jaxfr list datasets. Or the path of a file "
    "(CSV, TSV, TXT, each also .gz, or Parquet) of user, item[, timestamp] rows, or of "
    "a folder with "
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
flags.DEFINE_string(
    "user_column", None, f"The column of users {_WHICH} As in --user_column=member."
)
flags.DEFINE_string(
    "item_column", None, f"The column of items {_WHICH} As in --item_column=2."
)
flags.DEFINE_string(
    "time_column",
    None,
    f"The column of times {_WHICH} none: there is none, and the order of the rows is "
    "the order of time. As in --time_column=none. Times are numbers (seconds, "
    "milliseconds, ...) or dates and date-times (2005-12-31T23:59, 31.12.2005 23:59).",
)
flags.DEFINE_string(
    "rating_column",
    None,
    f"The column of ratings or counts {_WHICH} Used by --min_rating only, and never "
    "taken for a time. none: there is none. As in --rating_column=stars.",
)
define_number(
    "min_rating",
    None,
    "Leaves out the rows of a table of your own that are rated lower, as in "
    "--min_rating=4. Default: all rows count, whatever their rating.",
    ANY_NUMBER,
)
define_choice(
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

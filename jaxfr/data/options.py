"""What a caller may choose about how a data set is loaded or made."""

import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import TypeAlias

from jaxfr.data.dataset import Dataset
from jaxfr.errors import InvalidInputError
from jaxfr.files import note, user_path
from jaxfr.ranges import MOST

DATA_DIR_VARIABLE = "JAXFR_DATA_DIR"

# Planted factors of all users and items; several arrays of as many numbers are made.
_MOST_FACTORS = 10**8

# In place of a column that a table does not have.
NO_COLUMN = "none"


@dataclasses.dataclass(frozen=True)
class SyntheticSettings:
    """Size and shape of a synthetic data set; see ``jaxfr.data.synthetic``.

    The defaults have the size of MovieLens-100K.

    Attributes:
        num_users: number of users n.
        num_items: number of items m; unpopular ones may never occur.
        num_pairs: number of interactions, training and test together, exactly.
        popularity_exponent: exponent b of the item-degree distribution
            ``p(x) ~ x^-b``, above 1; the r-th most popular item is then drawn in
            proportion to ``r^(-1 / (b - 1))``.
        activity_sigma: standard deviation of the logarithm of a user's activity.
        latent_dimension: number of planted factors.
        signal_strength: how sharply a user prefers the items of its factors; with 0
            every user draws from the same popularity.
        seed: seed of the generator; the same settings give the same data.

    Raises:
        InvalidInputError: if a value is outside its range.
    """

    num_users: int = 943
    num_items: int = 1682
    num_pairs: int = 100_000
    popularity_exponent: float = 2.2
    activity_sigma: float = 1.0
    latent_dimension: int = 8
    signal_strength: float = 4.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses settings that no data set can have."""
        _check(self)

    @property
    def max_activity(self) -> int:
        """Most items of one user: one is left that the user never interacted with."""
        return self.num_items - 1


@dataclasses.dataclass(frozen=True)
class TableOptions:
    """How a user's own table is read; what is left out is found in the table.

    Attributes:
        user_column: the column of users: its name, or its number from 1.
        item_column: the column of items, likewise.
        time_column: the column of times, likewise; ``none``: there is none, and the
            order of the rows is the order of time.
        rating_column: the column of ratings or counts, which is not used; likewise.
        header: whether the first row names the columns: ``yes``, ``no`` or ``auto``.
    """

    user_column: str | None = None
    item_column: str | None = None
    time_column: str | None = None
    rating_column: str | None = None
    header: str = "auto"

    @property
    def names_columns(self) -> bool:
        """Whether some column is given by its name, so that there is a header."""
        texts = self.user_column, self.item_column, self.time_column, self.rating_column
        given = [text for text in texts if text is not None]
        return any(text.lower() != NO_COLUMN and not text.isdecimal() for text in given)

    def given(self) -> dict[str, str]:
        """What was chosen, by name."""
        return {
            name: value
            for name, value in dataclasses.asdict(self).items()
            if value != getattr(TableOptions(), name)
        }

    def refuse_for(self, data: str) -> None:
        """Refuses options that data do not read.

        Args:
            data: what a message calls data that are no table.

        Raises:
            InvalidInputError: if anything was chosen.
        """
        for name, value in self.given().items():
            raise InvalidInputError(
                f"{name}={value!r}: is for a table of your own (CSV, TSV, Parquet), "
                f"which {data} is not"
            )


@dataclasses.dataclass(frozen=True)
class LoadOptions:
    """What ``load_dataset`` hands to every loader, which takes what concerns it.

    Attributes:
        data_dir: folder of the data sets that are not fetched; None stands for the
            environment variable ``JAXFR_DATA_DIR``.
        synthetic: settings of the data set ``synthetic``.
        table: how a user's own table is read.
        say: is told in a line what was read of a user's own data.
    """

    data_dir: str | None = None
    synthetic: SyntheticSettings = dataclasses.field(default_factory=SyntheticSettings)
    table: TableOptions = dataclasses.field(default_factory=TableOptions)
    say: Callable[[str], None] = note

    def find_data_dir(self) -> pathlib.Path | None:
        """Returns the folder that was named, by argument or environment, if any."""
        folder = self.data_dir or os.environ.get(DATA_DIR_VARIABLE)
        return user_path(folder) if folder else None


Loader: TypeAlias = Callable[[LoadOptions], Dataset]


def parse_synthetic_settings(text: str) -> SyntheticSettings:
    """Reads settings from one flag, such as ``num_users=1000,num_items=500,seed=1``.

    Args:
        text: ``name=value`` pairs with commas between them; what is not named keeps
            its default, and an empty text is all defaults.

    Raises:
        InvalidInputError: if a name is unknown or a value is not a number in range.
    """
    kinds = {
        field.name: type(field.default)
        for field in dataclasses.fields(SyntheticSettings)
    }
    values: dict[str, int | float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in kinds:
            raise InvalidInputError(
                f"synthetic settings: {part!r} is not name=value with a name of "
                + ", ".join(kinds)
            )
        try:
            # Also takes 1e6 where a whole number is meant.
            values[name] = _whole(value) if kinds[name] is int else float(value)
        except ValueError:
            raise InvalidInputError(
                f"synthetic settings: {name} must be a number "
                f"({kinds[name].__name__}), not {value!r}"
            ) from None
    return dataclasses.replace(SyntheticSettings(), **values)  # type: ignore[arg-type]


def _whole(text: str) -> int:
    try:
        return int(text)  # a double would round what is beyond 2**53
    except ValueError:
        number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)


def _check(settings: SyntheticSettings) -> None:
    least, most = 2, settings.max_activity
    entities = max(settings.num_users + settings.num_items, 1)
    lowest_pairs = least * settings.num_users
    highest_pairs = most * settings.num_users
    requirements = (
        (f"num_users must be 1 to {MOST}", 1 <= settings.num_users <= MOST),
        (f"num_items must be 3 to {MOST}", 3 <= settings.num_items <= MOST),
        (f"num_pairs must be at most {MOST}", settings.num_pairs <= MOST),
        (
            f"num_pairs must be {lowest_pairs} to {highest_pairs} "
            "(2 to num_items - 1 for each user)",
            lowest_pairs <= settings.num_pairs <= highest_pairs,
        ),
        (
            "popularity_exponent must be a finite number above 1",
            1 < settings.popularity_exponent < float("inf"),
        ),
        ("activity_sigma must be 0 to 10", 0 <= settings.activity_sigma <= 10),
        (
            f"latent_dimension must be 1 to {_MOST_FACTORS // entities}, as there are "
            f"{entities} users and items together",
            1 <= settings.latent_dimension <= _MOST_FACTORS // entities,
        ),
        ("signal_strength must be 0 to 20", 0 <= settings.signal_strength <= 20),
        ("seed must not be negative", settings.seed >= 0),
    )
    for requirement, is_met in requirements:
        if not is_met:
            raise InvalidInputError(f"synthetic settings: {requirement}")

"""What a caller may choose about how data are loaded."""

import dataclasses
from collections.abc import Callable

from jaxfr.errors import InvalidInputError
from jaxfr.files import note

# In place of a column that a table does not have.
NO_COLUMN = "none"


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

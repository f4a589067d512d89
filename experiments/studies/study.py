"""The interface of studies: the runs that one needs, and what it makes of them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from experiments.studies.section import Section
from jaxfr.data import LoadOptions
from jaxfr.records.record import Record
from jaxfr.sweeps.request import RunRequest


class Material(NamedTuple):
    """What a study is made from.

    Attributes:
        bases: a run for each data set and seed, data set by data set; what a study
            does not vary itself, it takes from there.
        records: of the runs that the study wanted, in that order.
        load_options: how data are loaded; None for the defaults.
    """

    bases: tuple[RunRequest, ...]
    records: tuple[Record, ...]
    load_options: LoadOptions | None


class Wanted(Protocol):
    """Says which runs a study needs."""

    def __call__(self, bases: Sequence[RunRequest]) -> list[RunRequest]:
        """Returns them; none where it needs no whole run.

        Args:
            bases: see ``Material``.
        """
        ...


class Present(Protocol):
    """Makes tables, pictures and findings."""

    def __call__(self, material: Material) -> Section:
        """Returns what the study shows."""
        ...


class Study(NamedTuple):
    """One table or figure.

    Attributes:
        name: of its program and its files.
        decides: the options that it varies itself, which nobody may ask it for.
        wanted: its runs.
        present: what it shows.
    """

    name: str
    decides: tuple[str, ...]
    wanted: Wanted
    present: Present

"""The data sets that a study shows, from what it is made from."""

from typing import NamedTuple

from experiments.studies.names import dataset_title
from experiments.studies.study import Material
from jaxfr.sweeps.request import RunRequest
from jaxfr.sweeps.sources import Source, load_sources, source_name


class StudiedDataset(NamedTuple):
    """A data set and the run that goes with it.

    Attributes:
        base: its run, with the first of its seeds.
        source: its data.
    """

    base: RunRequest
    source: Source

    @property
    def name(self) -> str:
        """The name that records carry."""
        return self.source.dataset.name

    @property
    def title(self) -> str:
        """Its name as the paper writes it, where it is one of the paper's."""
        return dataset_title(self.name)


def studied_datasets(material: Material) -> tuple[StudiedDataset, ...]:
    """Loads each data set of a study once, in the order of its runs.

    Raises:
        InvalidInputError: if one cannot be loaded.
    """
    bases: dict[tuple[str, str], RunRequest] = {}
    for base in material.bases:
        name = source_name(base)
        bases.setdefault((name.dataset, name.synthetic), base)
    sources = load_sources(map(source_name, bases.values()), material.load_options)
    return tuple(
        StudiedDataset(base, sources[source_name(base)]) for base in bases.values()
    )


def file_stem(name: str) -> str:
    """A data set's name as part of a file's name: letters, digits, ``-`` and ``_``."""
    return "".join(
        letter if letter.isalnum() or letter in "-_" else "_" for letter in name
    )

"""What a study is: the runs that it wants, and what it makes of their records."""

import pathlib
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from jaxfr.data import Dataset, LoadOptions
from jaxfr.errors import InvalidInputError
from jaxfr.records import Record, dataset_title
from jaxfr.sweeps import RunRequest, load_sources, source_name

# What is said elsewhere, or changes nothing of the outcome.
_NOT_TOLD = ("dataset", "seed", "eval_every")


def check_some_of(option: str, names: Sequence[str], known: Collection[str]) -> None:
    """Refuses names of which one is none of those that are known, and no names."""
    if not names or not set(names) <= set(known):
        raise InvalidInputError(
            f"{option}={','.join(names)}: must be some of {', '.join(known)}"
        )


class Table(NamedTuple):
    """A table of finished cells, as many in each row as in the header."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Picture(NamedTuple):
    """A picture: its ``.png`` file's name, what it shows, and what draws its files.

    That is called with the path of the file, and the width in inches.
    """

    name: str
    caption: str
    draw: Callable[[pathlib.Path, float], Any]


class Finding(NamedTuple):
    """Something that the paper states, held against the records."""

    statement: str  # what the paper states, in one sentence
    holds: bool | None  # whether the records bear it out; None where they cannot tell
    evidence: str  # the numbers that decide it, or why there are none


class Section(NamedTuple):
    """All that a study shows; its text says what was run, and what differs and why."""

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    findings: tuple[Finding, ...] = ()


class Material(NamedTuple):
    """What a study is made from.

    The bases are a run for each data set and seed, data set by data set; what a study
    does not vary itself, it takes from there.
    """

    bases: tuple[RunRequest, ...]
    records: tuple[Record, ...]  # of the runs that the study wanted, in that order
    load_options: LoadOptions | None  # how data are loaded; None for the defaults


class Study(NamedTuple):
    """One table or figure."""

    name: str  # by which it is asked for, and of its files
    decides: tuple[str, ...]  # options that it varies itself, and is not asked for
    wanted: Callable[[Sequence[RunRequest]], list[RunRequest]]  # its runs of bases
    present: Callable[[Material], Section]  # what it shows


def describe_bases(bases: Sequence[RunRequest], decided: Sequence[str]) -> str:
    """Says which data sets, seeds and rounds there are, and what else is unusual."""
    datasets = list(dict.fromkeys(dataset_title(base.dataset) for base in bases))
    seeds = list(dict.fromkeys(base.seed for base in bases))
    base, usual = bases[0], RunRequest().texts()
    changed = [
        f"{name}={text}"
        for name, text in base.texts().items()
        if name not in (*_NOT_TOLD, *decided) and text != usual[name]
    ]
    told = (
        f"{' and '.join(datasets)}; {base.rounds} rounds; {len(seeds)} "
        f"seed{'s' * (len(seeds) > 1)} ({', '.join(map(str, seeds))})."
    )
    if changed:
        told += f" Other than in the paper: {', '.join(changed)}."
    return told


def data_alone(
    name: str, decides: tuple[str, ...], present: Callable[[Material], Section]
) -> Study:
    """A study that needs no whole run."""

    def wanted(bases: Sequence[RunRequest]) -> list[RunRequest]:
        del bases
        return []

    return Study(name, decides, wanted, present)


def studied_datasets(material: Material) -> list[tuple[RunRequest, Dataset]]:
    """Each data set of a study once, with the run of its first seed."""
    bases: dict[str, RunRequest] = {}
    for base in material.bases:
        bases.setdefault(base.dataset, base)
    names = list(map(source_name, bases.values()))
    sources = load_sources(names, material.load_options)
    return [
        (base, sources[name].dataset)
        for base, name in zip(bases.values(), names, strict=True)
    ]

"""What the page is made of: the studies' chapters, and what is told around them."""

import datetime
import pathlib
import platform
from collections.abc import Mapping
from typing import NamedTuple

from experiments.studies.base import Section
from jaxfr.compilation_cache import describe_cpu
from jaxfr.devices import num_cores
from jaxfr.records import device_name, versions
from jaxfr.sweeps import code_version


class Chapter(NamedTuple):
    """One study on the page.

    It took so many seconds with later studies' runs of the same programs and without
    what the store already held.
    """

    name: str  # of the study; letters, digits and _
    section: Section  # what it shows
    command: str  # that makes it
    runs: int  # how many it needed, those that the store had included
    seconds: float
    images: Mapping[str, bytes]  # PNG files by name; others were not drawn


class DataSource(NamedTuple):
    """A data set that was used; its size in words."""

    name: str
    size: str
    content_hash: str


class Page(NamedTuple):
    """All that the page says; its environment are pairs of a name and a value."""

    title: str
    introduction: tuple[str, ...]
    chapters: tuple[Chapter, ...]
    differences: tuple[str, ...]
    data: tuple[DataSource, ...]
    environment: tuple[tuple[str, str], ...]
    command: str


# Of the page, its looks, and what it says in many words.
FOLDER = pathlib.Path(__file__).parent

DATA_HEADER = ("data set", "size", "hash of its content")

INTRODUCTION = (
    "Zhang et al., Rethinking Byzantine Robustness in Federated Recommendation from "
    "Sparse Aggregation Perspective (Spattack), AAAI 2025, arXiv 2501.03301: the "
    "tables and figures of the paper, simulated anew by jaxfr. The paper and the "
    "simulation stand side by side, and what the paper states is held against the "
    "numbers.",
)

DIFFERENCES = tuple(
    " ".join(paragraph.split())
    for paragraph in FOLDER.joinpath("differences.txt").read_text("utf-8").split("\n\n")
)


def describe_environment(seconds: float) -> tuple[tuple[str, str], ...]:
    """Names and values of all that may matter beside settings and data."""
    moment = datetime.datetime.now(datetime.UTC)
    finished = moment.isoformat(sep=" ", timespec="minutes").partition("+")[0]
    return (
        *versions().items(),
        ("code version", f"{code_version()} (hash of all modules that compute)"),
        ("device", device_name()),
        ("processor", _processor()),
        ("cores", str(num_cores())),
        ("system", f"{platform.system()} {platform.release()}"),
        ("seconds in all", f"{seconds:,.0f}"),
        ("finished", f"{finished} UTC"),
    )


def _processor() -> str:
    """The CPU's model as the system names it."""
    for line in describe_cpu():
        name, colon, value = line.partition(":")
        if colon and name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"

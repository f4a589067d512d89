"""What the page is made of: the studies' chapters, and what is told around them."""

import datetime
import platform
from collections.abc import Mapping
from typing import NamedTuple

from experiments.studies.base import Section
from jaxfr.compilation_cache import describe_cpu
from jaxfr.devices import num_cores
from jaxfr.records.record import device_name, versions
from jaxfr.store import code_version


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


DATA_HEADER = ("data set", "size", "hash of its content")

INTRODUCTION = (
    "Zhang et al., Rethinking Byzantine Robustness in Federated Recommendation from "
    "Sparse Aggregation Perspective (Spattack), AAAI 2025, arXiv 2501.03301: the "
    "tables and figures of the paper, simulated anew by jaxfr. The paper and the "
    "simulation stand side by side, and what the paper states is held against the "
    "numbers.",
)

DIFFERENCES = (
    "The paper's text leaves values open: the learning rate of 0.01, the coefficient "
    "0.1 of the regulariser, embeddings of 32 numbers that start at a standard "
    "deviation of 0.01, one negative for each positive, drawn once, and 200 rounds are "
    "those of the authors' public reference implementation.",
    "Spattack-O. With exact sums it freezes the items it poisons, and the recommender "
    "stays at chance on every data set. On ML-1M and Steam the paper is higher. On "
    "ML-1M the likely reason is that the reference implementation sends a negative "
    "that was drawn twice as two rows and loses one of them from the attackers' sum, "
    "so that its cancellation is not exact; on Steam it is unexplained.",
    "Spattack-O-S and -L-S poison as many items as a benign client uploads at most, "
    "positives and negatives together. With the interactions alone, as the paper words "
    "it, the attack is visibly weaker than the paper's numbers.",
    "Baseline attacks. Their exact recipe is not public. The paper's numbers suggest "
    "statistics over all clients, with zeros for those that sent an item nothing "
    "(dense); over the rows that an item received (sparse) Fang is as strong as "
    "Spattack. Both are shown. The paper's baselines are measured against another "
    "clean run than its clean row, so that a few percent between them are noise.",
    "FedGNN. The paper does not publish the details of its FedGNN, nor the numbers of "
    "Figures 3, 4 and 5; of those only what their text states can be checked.",
    "Proposition 2 counts an item's interactions as its benign rows. Benign clients "
    "also upload rows of the negatives that they drew, so that an item has more benign "
    "rows, and fewer items fall than the formula gives where malicious clients are few "
    "and users active.",
    "A client may draw its own test item as a negative, since it does not know that "
    "item yet. Scores that tie with the test item's count as better than it.",
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

"""Table 2: how large the data sets are, and how sparse."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.studies.base import (
    Finding,
    Material,
    Section,
    Study,
    Table,
    data_alone,
    studied_datasets,
)
from jaxfr.data import TAIL_DEGREE, Dataset, DatasetStatistics, dataset_statistics
from jaxfr.records import dataset_title
from jaxfr.sweeps import RUN_OPTIONS

NAME = "table2"

# Where data come from; nothing else in the settings says anything of their statistics.
_OF_DATA = frozenset({"dataset", "seed"})


class PaperRow(NamedTuple):
    """A row of the paper's table; the share of pairs that are absent in percent."""

    users: int
    items: int
    edges: int
    sparsity_percent: float

    def __str__(self) -> str:
        return (
            f"{self.users:,} users, {self.items:,} items, {self.edges:,} interactions, "
            f"{self.sparsity_percent:.2f} %"
        )


PAPER: Mapping[str, PaperRow] = {
    "ml-100k": PaperRow(943, 1_682, 100_000, 93.70),
    "ml-1m": PaperRow(6_040, 3_706, 1_000_209, 95.53),
    "steam": PaperRow(3_753, 5_134, 114_713, 99.40),
}


def study() -> Study:
    """The study of Table 2, which needs no run."""
    decides = tuple(name for name in (*RUN_OPTIONS, "seed") if name not in _OF_DATA)
    return data_alone(NAME, decides, present)


def present(material: Material) -> Section:
    """Shows the statistics of all data sets, beside the paper's where it has them."""
    datasets = [dataset for _, dataset in studied_datasets(material)]
    found = list(map(dataset_statistics, datasets))
    return Section(
        title="Table 2: statistics of the data sets",
        text=_text(datasets),
        tables=(
            Table(
                "Size and sparsity. Sparsity: share of all possible pairs that are "
                "absent.",
                ("data set", "statistic", "paper", "here", "difference"),
                tuple(row for of_data in found for row in _comparison(of_data)),
            ),
            _distribution(found),
        ),
        findings=tuple(_finding(of_data) for of_data in found if of_data.name in PAPER),
    )


def _text(datasets: Sequence[Dataset]) -> tuple[str, ...]:
    text = [
        "An interaction is a pair of a user and an item, whether it is for training or "
        "for testing. Items are counted by their numbers."
    ]
    for data in datasets:
        if idle := int(np.sum(data.item_popularity == 0)):
            name = dataset_title(data.name)
            text.append(f"On {name} {idle:,} of the items have no interaction.")
    unknown = [dataset_title(data.name) for data in datasets if data.name not in PAPER]
    if unknown:
        text.append(f"The paper does not have {', '.join(unknown)}.")
    return tuple(text)


def _here(found: DatasetStatistics) -> PaperRow:
    """What the paper would print, percent to two decimals."""
    sparsity = round(found.sparsity_percent, 2)
    return PaperRow(found.num_users, found.num_items, found.num_edges, sparsity)


def _comparison(found: DatasetStatistics) -> list[tuple[str, ...]]:
    """The rows of one data set."""
    paper = PAPER.get(found.name)
    rows = []
    for place, (label, form, unit) in enumerate(
        (
            *(("users", ",d", ""), ("items", ",d", ""), ("interactions", ",d", "")),
            ("sparsity", ".2f", " %"),
        )
    ):
        ours = _here(found)[place]
        compared = ("–", f"{ours:{form}}{unit}", "–")
        if paper is not None:
            theirs = f"{paper[place]:{form}}{unit}"
            compared = (theirs, compared[1], _signed(ours - paper[place], form))
        rows.append((dataset_title(found.name), label, *compared))
    return rows


def _signed(difference: float, form: str) -> str:
    text = format(abs(difference), form)
    if not any(digit in text for digit in "123456789"):
        return "0"
    return ("−" if difference < 0 else "+") + text


def _distribution(statistics: Sequence[DatasetStatistics]) -> Table:
    """What Table 2 does not show, and the long tail is made of."""
    rows = tuple(
        (
            dataset_title(found.name),
            f"{found.min_activity:,} / {found.median_activity:,g} / "
            f"{found.max_activity:,}",
            f"{found.min_degree:,} / {found.median_degree:,g} / {found.max_degree:,}",
            f"{found.percentile_95_degree:,g}",
            f"{found.tail_percent:.1f} %",
        )
        for found in statistics
    )
    return Table(
        "Not in the paper's table: interactions of users and of items.",
        (
            "data set",
            "of a user: least / median / most",
            "of an item: least / median / most",
            "95 % of the items have at most",
            f"items with fewer than {TAIL_DEGREE}",
        ),
        rows,
    )


def _finding(found: DatasetStatistics) -> Finding:
    paper, here = PAPER[found.name], _here(found)
    return Finding(
        f"{dataset_title(found.name)} has {paper.users:,} users, {paper.items:,} items "
        f"and {paper.edges:,} interactions, and a sparsity of "
        f"{paper.sparsity_percent:.2f} %",
        here == paper,
        str(here),
    )

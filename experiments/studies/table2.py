"""Table 2: how large the data sets are, and how sparse."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.studies.datasets import StudiedDataset, studied_datasets
from experiments.studies.names import dataset_title
from experiments.studies.section import Finding, Section, Table
from experiments.studies.study import Material, Study
from jaxfr.data.statistics import (
    TAIL_DEGREE,
    DatasetStatistics,
    dataset_statistics,
)
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest

NAME = "table2"

# Where data come from; nothing else in the settings says anything of their statistics.
_OF_DATA = frozenset({"dataset", "synthetic", "seed"})


class PaperRow(NamedTuple):
    """A row of the paper's table.

    Attributes:
        users: number of users.
        items: number of items.
        edges: number of interactions.
        sparsity_percent: share of all possible pairs that are absent, in percent, to
            two decimals.
    """

    users: int
    items: int
    edges: int
    sparsity_percent: float


PAPER: Mapping[str, PaperRow] = {
    "ml-100k": PaperRow(943, 1_682, 100_000, 93.70),
    "ml-1m": PaperRow(6_040, 3_706, 1_000_209, 95.53),
    "steam": PaperRow(3_753, 5_134, 114_713, 99.40),
}


def study() -> Study:
    """The study of Table 2, which needs no run."""
    decides = tuple(name for name in (*RUN_OPTIONS, "seed") if name not in _OF_DATA)
    return Study(NAME, decides, _no_runs, present)


def present(material: Material) -> Section:
    """Shows the statistics of all data sets, beside the paper's where it has them."""
    datasets = studied_datasets(material)
    statistics = [dataset_statistics(data.source.dataset) for data in datasets]
    return Section(
        title="Table 2: statistics of the data sets",
        text=_text(datasets),
        tables=(
            Table(
                "Size and sparsity. Sparsity: share of all possible pairs that are "
                "absent.",
                ("data set", "statistic", "paper", "here", "difference"),
                tuple(row for found in statistics for row in _comparison(found)),
            ),
            _distribution(statistics),
        ),
        findings=tuple(_finding(found) for found in statistics if found.name in PAPER),
    )


def _no_runs(bases: Sequence[RunRequest]) -> list[RunRequest]:
    del bases
    return []


def _text(datasets: Sequence[StudiedDataset]) -> tuple[str, ...]:
    unknown = [data.title for data in datasets if data.name not in PAPER]
    text = [
        "An interaction is a pair of a user and an item, whether it is for training or "
        "for testing. Items are counted by their numbers."
    ]
    for data in datasets:
        idle = int(np.sum(data.source.dataset.item_popularity == 0))
        if idle:
            text.append(f"On {data.title} {idle:,} of the items have no interaction.")
    if unknown:
        text.append(f"The paper does not have {', '.join(unknown)}.")
    return tuple(text)


def _comparison(found: DatasetStatistics) -> list[tuple[str, ...]]:
    """The rows of one data set."""
    paper = PAPER.get(found.name)
    rows = []
    for label, ours, theirs in (
        ("users", found.num_users, paper and paper.users),
        ("items", found.num_items, paper and paper.items),
        ("interactions", found.num_edges, paper and paper.edges),
    ):
        compared = ("–", f"{ours:,}", "–")
        if theirs is not None:
            compared = (f"{theirs:,}", f"{ours:,}", _signed(ours - theirs, ",d"))
        rows.append((dataset_title(found.name), label, *compared))
    ours = found.sparsity_percent
    compared = ("–", f"{ours:.2f} %", "–")
    if paper is not None:
        theirs = paper.sparsity_percent
        # Percent to two decimals, as the paper prints them.
        difference = round(ours, 2) - theirs
        compared = (f"{theirs:.2f} %", f"{ours:.2f} %", _signed(difference, ".2f"))
    rows.append((dataset_title(found.name), "sparsity", *compared))
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
    paper = PAPER[found.name]
    ours = PaperRow(
        found.num_users,
        found.num_items,
        found.num_edges,
        round(found.sparsity_percent, 2),
    )
    return Finding(
        f"{dataset_title(found.name)} has {paper.users:,} users, {paper.items:,} items "
        f"and {paper.edges:,} interactions, and a sparsity of "
        f"{paper.sparsity_percent:.2f} %",
        ours == paper,
        f"{ours.users:,} users, {ours.items:,} items, {ours.edges:,} interactions, "
        f"{ours.sparsity_percent:.2f} %",
    )

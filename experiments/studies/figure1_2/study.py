"""Figures 1 and 2: sparse against dense aggregation, and which items fall."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.studies.datasets import StudiedDataset, file_stem, studied_datasets
from experiments.studies.figure1_2.aggregation_findings import (
    aggregation_findings,
    proposition_1,
)
from experiments.studies.figure1_2.aggregation_picture import draw_outcomes
from experiments.studies.figure1_2.falling_findings import falling_findings
from experiments.studies.figure1_2.falling_items import (
    Fallen,
    Laws,
    count_fallen,
    fit_laws,
)
from experiments.studies.figure1_2.falling_pictures import draw_degrees, draw_fallen
from experiments.studies.figure1_2.one_round import DECIDED, Moment, clean_moments
from experiments.studies.figure1_2.sparse_aggregation import Outcome, compare
from experiments.studies.figure1_2.tables import (
    broken_table,
    fallen_table,
    law_table,
    left_table,
    moves_table,
)
from experiments.studies.section import Finding, Picture, Section, Table
from experiments.studies.study import Material, Study
from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import spattack_o_d
from jaxfr.data.statistics import degree_distribution
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.sweeps.request import RunRequest

NAME = "figure1_2"
MALICIOUS_RATIO = 0.10
COMPARED = ("mean", "median", "trimmed_mean", "krum", "norm")
TRAINED_ROUNDS = 100

_TEXT = (
    "Figures 1 and 2 of the paper explain and show no results. What they explain is "
    "measured here on single rounds: what all benign clients upload in a round, what "
    "malicious clients add, and what each rule makes of both. One seed; training "
    "before the round is clean, under the mean.",
    "Figure 1: the same uploads are aggregated twice. Sparse, a rule sees the rows "
    "that an item received; dense, every client that sent an item nothing counts as a "
    "zero row, as in general federated learning. Noise carries an item off if its "
    "aggregate leaves the range of the item's benign rows (dense: and zero) in some "
    "coordinate: benign rows alone, however weighted, cannot bring it there.",
    "Figure 2 and Proposition 2: an item falls under the median when malicious rows "
    "are at least half of its rows. The paper counts an item's interactions as its "
    "benign rows. But benign clients also upload rows of the negative items that they "
    "drew, about one for each pair, evenly over all items: an item has more benign "
    "rows than interactions, and fewer items fall. The power law is fitted by maximum "
    "likelihood, with the least degree that it describes chosen by the "
    "Kolmogorov-Smirnov distance (Clauset et al. 2009); items below that degree count "
    "as fallen. The law of all items is fitted from degree 1 on, however well it "
    "describes them.",
)


class Looked(NamedTuple):
    """What was found of one data set.

    Attributes:
        data: the data set.
        degree: interactions of each item, int ``[m]``.
        moments: the untrained round and the trained one.
        malicious_ratio: malicious share of all clients in Figure 1.
        malicious_clients: n~, what it comes to.
        outcomes: of Figure 1, for each moment.
        laws: the power laws of its degrees.
        fallen: of Figure 2, in the trained round.
    """

    data: StudiedDataset
    degree: np.ndarray
    moments: tuple[Moment, ...]
    malicious_ratio: float
    malicious_clients: int
    outcomes: tuple[list[Outcome], ...]
    laws: Laws | None
    fallen: list[Fallen]


def study(
    aggregators: Sequence[str] = COMPARED,
    malicious_ratio: float = MALICIOUS_RATIO,
    trained_rounds: int = TRAINED_ROUNDS,
) -> Study:
    """The study of Figures 1 and 2, which needs no whole run.

    Args:
        aggregators: rules to compare in Figure 1.
        malicious_ratio: malicious share of all clients there.
        trained_rounds: rounds of clean training before the round that is taken apart,
            as far as a run has as many.

    Raises:
        InvalidInputError: if no rule is named, or one that there is not.
    """
    unknown = [name for name in aggregators if name not in AGGREGATORS]
    if unknown or not aggregators:
        raise InvalidInputError(
            f"aggregators={','.join(aggregators)}: must be some of "
            f"{', '.join(AGGREGATORS)}"
        )
    present_all = functools.partial(
        present, tuple(aggregators), malicious_ratio, trained_rounds
    )
    return Study(NAME, DECIDED, _no_runs, present_all)


def present(
    aggregators: Sequence[str],
    malicious_ratio: float,
    trained_rounds: int,
    material: Material,
) -> Section:
    """Takes rounds apart and shows what is in them; arguments as ``study``."""
    looked = [
        _look(data, aggregators, malicious_ratio, trained_rounds)
        for data in studied_datasets(material)
    ]
    return Section(
        title="Figures 1 and 2: sparse aggregation, and the items that fall",
        text=_TEXT,
        tables=tuple(table for found in looked for table in _tables(found)),
        pictures=tuple(picture for found in looked for picture in _pictures(found)),
        findings=tuple(finding for found in looked for finding in _findings(found)),
    )


def _no_runs(bases: Sequence[RunRequest]) -> list[RunRequest]:
    del bases
    return []


def _look(
    data: StudiedDataset,
    aggregators: Sequence[str],
    malicious_ratio: float,
    trained_rounds: int,
) -> Looked:
    base, dataset = data.base, data.source.dataset
    moments = clean_moments(base, data.source, (0, min(trained_rounds, base.rounds)))
    attacked = Experiment(attack=spattack_o_d(), malicious_ratio=malicious_ratio)
    attacked = attacked.with_data(dataset.num_users, dataset.name)
    assert isinstance(attacked.malicious_clients, int)
    malicious = attacked.malicious_clients
    degree = dataset.item_popularity
    laws = fit_laws(degree)
    return Looked(
        data,
        degree,
        moments,
        malicious_ratio,
        malicious,
        tuple(compare(base, moment, aggregators, malicious) for moment in moments),
        laws,
        count_fallen(base, moments[-1], degree, laws),
    )


def _tables(found: Looked) -> list[Table]:
    name, trained = found.data.title, found.outcomes[-1]
    rounds = [moment.finished for moment in found.moments]
    by_round = list(zip(rounds, found.outcomes, strict=True))
    heading = f"{name}, {found.malicious_clients:,} malicious clients"
    tables = [
        broken_table(heading, by_round, found.degree),
        moves_table(f"{heading}, round {rounds[-1]}", trained, found.degree),
        left_table(name, by_round, found.degree),
        fallen_table(f"{name}, round {rounds[-1]}", found.fallen),
    ]
    if found.laws is not None:
        tables.append(law_table(name, found.laws))
    return tables


def _pictures(found: Looked) -> list[Picture]:
    name, stem = found.data.title, file_stem(found.data.name)
    finished = found.moments[-1].finished
    attacked = (
        f"{name}, round {finished}: noise of {100 * found.malicious_ratio:g} % "
        f"malicious clients ({found.malicious_clients:,})"
    )
    distribution = degree_distribution(found.data.source.dataset)
    return [
        Picture(
            f"figure1_{stem}.png",
            f"Figure 1 on {name}: one round's uploads in both forms of aggregation, by "
            "item degree. Left and middle: share of items that the malicious noise "
            "carries out of the range of their benign rows. Right: how much of a clean "
            "update the dense form leaves, median of the items.",
            functools.partial(
                draw_outcomes, found.outcomes[-1], found.degree, attacked
            ),
        ),
        Picture(
            f"figure2_degrees_{stem}.png",
            f"Figure 2 (c) on {name}. Left: the items by popularity; right: the "
            "distribution of their degrees with its power laws.",
            functools.partial(
                draw_degrees,
                *(found.degree, distribution, found.laws),
                f"Item degrees of {name}",
            ),
        ),
        Picture(
            f"figure2_falling_{stem}.png",
            f"Proposition 2 on {name}: the share of all items that fall under the "
            f"median, by formula, by counting, and in round {finished} with the noise "
            "of Spattack-L-D.",
            functools.partial(
                draw_fallen, found.fallen, f"{name}: items that fall under the median"
            ),
        ),
    ]


def _findings(found: Looked) -> list[Finding]:
    data, trained = found.data, found.moments[-1]
    return [
        *aggregation_findings(data.title, found.outcomes[-1], found.degree),
        proposition_1(data.title, data.base, trained),
        *falling_findings(data.title, found.degree, found.laws, found.fallen),
    ]

"""The hyperparameters of the attacks and the recommender, one at a time."""

from collections.abc import Sequence

from experiments.studies.averages import average, with_deviation
from experiments.studies.hyperparameters.findings import find_all
from experiments.studies.hyperparameters.picture import draw_sweeps
from experiments.studies.hyperparameters.sweeps import (
    SWEEPS,
    Point,
    Runs,
    Sweep,
    changes,
    place_of,
    points,
)
from experiments.studies.names import attack_title, dataset_title
from experiments.studies.section import Picture, Section, Table
from experiments.studies.study import Material, Study
from experiments.studies.variants import (
    Variant,
    cross_with_bases,
    describe_bases,
    runs_by_dataset,
)
from jaxfr.sweeps.request import RunRequest

NAME = "hyperparameters"
DECIDES = (*("model", "aggregator", "attack", "malicious_ratio", "eval_every"),)
MALICIOUS_RATIO = 0.03

_TEXT = (
    "FedMF, the mean, 3 % malicious clients. One option at a time is varied, the "
    "others keep the paper's values: the items that a client of the S attacks "
    "poisons, the embedding size, and the standard deviation of the noise of the L "
    "attacks. The paper leaves this to an appendix that is not part of its text, so "
    "that there are no numbers to compare with, and the statements below are what "
    "follows from its account of the attacks.",
    "Where the number of poisoned items is left to its default it is the largest "
    "number of distinct items that a benign client uploads; the picture shows it where "
    "that number lies.",
)


def study(sweeps: Sequence[Sweep] = SWEEPS) -> Study:
    """The hyperparameters as a study.

    Args:
        sweeps: what is varied.
    """
    variants = [_variant(point) for sweep in sweeps for point in points(sweep)]

    def wanted(bases: Sequence[RunRequest]) -> list[RunRequest]:
        return cross_with_bases(bases, variants)

    def present(material: Material) -> Section:
        return _present(material, sweeps, variants)

    return Study(NAME, DECIDES, wanted, present)


def _variant(point: Point) -> Variant[Point]:
    return Variant(
        point,
        {
            **changes(point),
            "aggregator": "mean",
            "malicious_ratio": MALICIOUS_RATIO,
            "eval_every": 0,
        },
    )


def _present(
    material: Material, sweeps: Sequence[Sweep], variants: Sequence[Variant[Point]]
) -> Section:
    found: dict[str, Runs] = {**runs_by_dataset(material, variants)}
    picture = Picture(
        f"{NAME}.png",
        "HR@10 by poisoned items, embedding size and noise: mean over seeds, with two "
        "standard errors.",
        lambda path: draw_sweeps(found, sweeps, path),
    )
    return Section(
        "Hyperparameters of Spattack and of FedMF",
        (describe_bases(material.bases, DECIDES), *_TEXT),
        tuple(
            _by_value(dataset, runs, sweep)
            for dataset, runs in found.items()
            for sweep in sweeps
        ),
        (picture,),
        tuple(find_all(found, sweeps)),
    )


def _by_value(dataset: str, runs: Runs, sweep: Sweep) -> Table:
    rows = []
    for value in sweep.values:
        of_value = [runs[Point(sweep.option, value, a)] for a in sweep.attacks]
        cells = (with_deviation(average(records)) for records in of_value)
        text = f"{place_of(of_value[0], sweep.option):g}"
        rows.append((f"{text} (default)" if value == 0 else text, *cells))
    return Table(
        f"{dataset_title(dataset)}: HR@10 by {sweep.label}, mean ± standard deviation "
        "over seeds.",
        (sweep.label, *map(attack_title, sweep.attacks)),
        tuple(rows),
    )

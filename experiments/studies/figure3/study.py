"""Figure 3: Spattack against defenses, by the share of malicious clients."""

from collections.abc import Sequence

from experiments.studies.averages import average, with_deviation
from experiments.studies.checked_numbers import DEFENSES as CHECKED
from experiments.studies.figure3.findings import find_all
from experiments.studies.figure3.picture import draw_defenses
from experiments.studies.figure3.points import (
    DEFENSES,
    SPATTACKS,
    CleanPoint,
    Point,
    Runs,
    applies,
    clean_runs,
    points,
    ratios,
    spattacks_in,
)
from experiments.studies.names import aggregator_title, attack_title, dataset_title
from experiments.studies.section import Picture, Section, Table
from experiments.studies.study import Material, Study
from experiments.studies.variants import (
    Variant,
    cross_with_bases,
    describe_bases,
    runs_by_dataset,
)
from jaxfr.attacks import CLEAN
from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.request import RunRequest

NAME = "figure3"
DECIDES = ("model", "aggregator", "attack", "malicious_ratio", "eval_every")
DOES_NOT_APPLY = "does not apply"

_TEXT = (
    "FedMF under each defense: Spattack-O with 1, 3 and 5 % malicious clients, "
    "Spattack-L, which knows less, with 5, 10 and 15 %, and no malicious client at 0 "
    "%. The metric is HR@10 after the last round, over benign users. TrimM and Krum "
    "expect as many malicious rows as there are malicious clients; for the clean run "
    "they expect none.",
    "The paper's TrimM and Krum take the number of malicious rows to be the same for "
    "every item, as it is where every malicious client poisons all items (D). Under "
    "Spattack-O-S and -L-S it varies, so that the paper does not apply them, and "
    "neither does this study.",
    "The paper prints no numbers with this figure. Beside the simulation stand the "
    "values of an earlier one, to two places, where there are any.",
)


def study(
    defenses: Sequence[str] = DEFENSES, spattacks: Sequence[str] = SPATTACKS
) -> Study:
    """Figure 3 as a study.

    Args:
        defenses: aggregators of ``DEFENSES``, those that are to be run.
        spattacks: the attacks, of ``SPATTACKS``.

    Raises:
        InvalidInputError: if there are none, or one is none of them.
    """
    unknown = [name for name in defenses if name not in DEFENSES]
    if unknown or not defenses:
        raise InvalidInputError(
            f"defenses={','.join(defenses)}: must be some of {', '.join(DEFENSES)}"
        )
    chosen = tuple(name for name in DEFENSES if name in defenses)
    variants = [_variant(point) for point in points(chosen, spattacks)]

    def wanted(bases: Sequence[RunRequest]) -> list[RunRequest]:
        return cross_with_bases(bases, variants)

    def present(material: Material) -> Section:
        return _present(material, chosen, variants)

    return Study(NAME, DECIDES, wanted, present)


def _variant(point: Point | CleanPoint) -> Variant[Point | CleanPoint]:
    attacked = isinstance(point, Point)
    return Variant(
        point,
        {
            "model": "fedmf",
            "aggregator": point.defense,
            "attack": point.attack if attacked else CLEAN,
            "malicious_ratio": point.malicious_ratio if attacked else 0.0,
            "eval_every": 0,
        },
    )


def _present(
    material: Material,
    defenses: Sequence[str],
    variants: Sequence[Variant[Point | CleanPoint]],
) -> Section:
    found: dict[str, Runs] = {**runs_by_dataset(material, variants)}
    picture = Picture(
        f"{NAME}.png",
        "HR@10 by the share of malicious clients, a line for each defense: mean over "
        "seeds, with two standard errors; at 0 % the clean run under each. TrimM and "
        "Krum do not apply to O-S and L-S.",
        lambda path: draw_defenses(found, defenses, path),
    )
    return Section(
        "Figure 3: Spattack against defenses",
        (describe_bases(material.bases, DECIDES), *_TEXT),
        (
            *(_by_defense(name, runs, defenses) for name, runs in found.items()),
            *_checked(found),
        ),
        (picture,),
        tuple(find_all(found, defenses)),
    )


def _by_defense(dataset: str, runs: Runs, defenses: Sequence[str]) -> Table:
    clean = [with_deviation(average(clean_runs(runs, d))) for d in defenses]
    rows = [("Clean", "0 %", *clean)]
    for attack in spattacks_in(runs):
        for ratio in ratios(attack):
            cells = [_cell(runs, Point(d, attack, ratio)) for d in defenses]
            rows.append((attack_title(attack), f"{100 * ratio:g} %", *cells))
    return Table(
        f"{dataset_title(dataset)}: HR@10, mean ± standard deviation over seeds.",
        ("attack", "malicious", *map(aggregator_title, defenses)),
        tuple(rows),
    )


def _cell(runs: Runs, point: Point) -> str:
    if not applies(point):
        return DOES_NOT_APPLY
    return with_deviation(average(runs[point]))


def _checked(found: dict[str, Runs]) -> list[Table]:
    """The values of an earlier simulation beside this one, where both are there."""
    rows = []
    for (dataset, defense, attack, ratio), value in CHECKED.items():
        records = found.get(dataset, {}).get(Point(defense, attack, ratio))
        if records:
            mean = average(records)
            rows.append(
                (
                    *(dataset_title(dataset), aggregator_title(defense)),
                    *(attack_title(attack), f"{100 * ratio:g} %", f"{value:.2f}"),
                    *(with_deviation(mean), f"{mean.mean - value:+.3f}"),
                )
            )
    if not rows:
        return []
    header = ("data set", "defense", "attack", "malicious")
    header += ("earlier", "simulation", "difference")
    return [Table("HR@10 beside an earlier simulation.", header, tuple(rows))]

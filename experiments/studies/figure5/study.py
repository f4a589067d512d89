"""Figure 5: Spattack from different rounds on."""

from collections.abc import Sequence

from experiments.studies.averages import average, with_deviation
from experiments.studies.checked_numbers import STARTS as CHECKED
from experiments.studies.figure5.curves import (
    ATTACKS,
    CLEAN_CURVE,
    Curve,
    Runs,
    value_after,
)
from experiments.studies.figure5.findings import find_all
from experiments.studies.figure5.picture import draw_starts
from experiments.studies.names import attack_title, dataset_title
from experiments.studies.section import Picture, Section, Table
from experiments.studies.study import Material, Study
from experiments.studies.variants import (
    Variant,
    cross_with_bases,
    describe_bases,
    runs_by_dataset,
)
from jaxfr.attacks import CLEAN
from jaxfr.sweeps.request import RunRequest

NAME = "figure5"
DECIDES = (
    *("model", "aggregator", "attack", "malicious_ratio"),
    *("attack_start", "eval_every"),
)
MALICIOUS_RATIO = 0.10
STARTS = (0, 20, 40, 60)
EVAL_EVERY = 5

_TEXT = (
    "FedMF with the mean and 10 % malicious clients, who behave from the start round "
    "on: Spattack-O-D, Spattack-L-D and the clean run, evaluated after every "
    f"{EVAL_EVERY} rounds. The paper shows Steam, and prints no numbers.",
    "Spattack-O uploads the negative of the benign sum, so that no item embedding "
    "moves any more; users still train theirs on them. Spattack-L adds the same noise "
    "in every round, so that items drift away from what was learnt.",
)


def study(starts: Sequence[int] = STARTS) -> Study:
    """Figure 5 as a study.

    Args:
        starts: the first rounds with malicious uploads, upwards.
    """
    curves = (CLEAN_CURVE, *(Curve(a, start) for a in ATTACKS for start in starts))
    variants = [_variant(curve) for curve in curves]

    def wanted(bases: Sequence[RunRequest]) -> list[RunRequest]:
        return cross_with_bases(bases, variants)

    def present(material: Material) -> Section:
        return _present(material, starts, variants)

    return Study(NAME, DECIDES, wanted, present)


def _variant(curve: Curve) -> Variant[Curve]:
    clean = curve == CLEAN_CURVE
    return Variant(
        curve,
        {
            "model": "fedmf",
            "aggregator": "mean",
            "attack": CLEAN if clean else curve.attack,
            "malicious_ratio": 0.0 if clean else MALICIOUS_RATIO,
            "attack_start": curve.start,
            "eval_every": EVAL_EVERY,
        },
    )


def _present(
    material: Material, starts: Sequence[int], variants: Sequence[Variant[Curve]]
) -> Section:
    found: dict[str, Runs] = {**runs_by_dataset(material, variants)}
    picture = Picture(
        f"{NAME}.png",
        "HR@10 by round for each start round, and without any attack: mean over seeds, "
        "shaded from the least to the largest; triangles mark the starts.",
        lambda path: draw_starts(found, starts, path),
    )
    return Section(
        "Figure 5: Spattack from different rounds on",
        (describe_bases(material.bases, DECIDES), *_TEXT),
        (
            *(_ends(dataset, runs, starts) for dataset, runs in found.items()),
            *_checked(found),
        ),
        (picture,),
        tuple(find_all(found, starts)),
    )


def _ends(dataset: str, runs: Runs, starts: Sequence[int]) -> Table:
    clean = with_deviation(average(runs[CLEAN_CURVE]))
    rows = [("Clean", "-", "-", clean)]
    for attack in ATTACKS:
        for start in starts:
            records = runs[Curve(attack, start)]
            before = value_after(records, start)
            rows.append(
                (
                    *(attack_title(attack), str(start)),
                    "-" if before is None else f"{before:.3f}",
                    with_deviation(average(records)),
                )
            )
    return Table(
        f"{dataset_title(dataset)}: HR@10 when the attack starts and after the last "
        "round, mean ± standard deviation over seeds.",
        ("attack", "start round", "at the start", "in the end"),
        tuple(rows),
    )


def _checked(found: dict[str, Runs]) -> list[Table]:
    """The values of an earlier simulation beside this one, where both are there."""
    rows = []
    for (dataset, attack, start), value in CHECKED.items():
        records = found.get(dataset, {}).get(Curve(attack, start))
        if records:
            mean = average(records)
            rows.append(
                (
                    *(dataset_title(dataset), attack_title(attack), str(start)),
                    *(f"{value:.2f}", with_deviation(mean)),
                    f"{mean.mean - value:+.3f}",
                )
            )
    if not rows:
        return []
    header = ("data set", "attack", "start round")
    header += ("earlier", "simulation", "difference")
    return [
        Table("HR@10 in the end beside an earlier simulation.", header, tuple(rows))
    ]

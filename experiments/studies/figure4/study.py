"""Figure 4: Spattack on FedGNN, without a defense and with the median."""

from collections.abc import Sequence

from experiments.studies.averages import average, with_deviation
from experiments.studies.checked_numbers import MODELS as CHECKED
from experiments.studies.figure4.bars import (
    AGGREGATORS,
    MALICIOUS_RATIO,
    SPATTACKS,
    Bar,
    Runs,
    defense_title,
    spattacks_in,
)
from experiments.studies.figure4.findings import find_all
from experiments.studies.figure4.picture import draw_bars
from experiments.studies.names import attack_title, dataset_title, model_title
from experiments.studies.section import Picture, Section, Table
from experiments.studies.study import Material, Study
from experiments.studies.variants import (
    Variant,
    cross_with_bases,
    describe_bases,
    runs_by_dataset,
)
from jaxfr.attacks import CLEAN
from jaxfr.records.table import heading
from jaxfr.sweeps.request import RunRequest

NAME = "figure4"
MODEL = "fedgnn"
DECIDES = ("model", "aggregator", "attack", "malicious_ratio", "eval_every")
_BESIDE = "fedmf"
_METRICS = ("hr@5", "hr@10")

_TEXT = (
    "The clean run and Spattacks with 10 % malicious clients, on FedGNN (Wu "
    "et al., 2021) and, beside it, on FedMF: with the mean, which the paper calls no "
    "defense, and with the median, its defense. The network's weights are aggregated "
    "by the same rule, from an upload of every client; the attackers poison them too.",
    "The paper publishes neither the details of its FedGNN nor the numbers of this "
    "figure. Beside the simulation stand the values of an earlier one, from one seed, "
    "where there are any.",
)


def study(
    model: str = MODEL, beside: str = _BESIDE, spattacks: Sequence[str] = SPATTACKS
) -> Study:
    """Figure 4 as a study.

    Args:
        model: the recommender of the figure.
        beside: the one that it is compared with; it may be the same.
        spattacks: the attacks, of the four.
    """
    models = tuple(dict.fromkeys((model, beside)))
    variants = [
        _variant(Bar(name, aggregator, attack))
        for name in models
        for aggregator in AGGREGATORS
        for attack in (CLEAN, *spattacks)
    ]

    def wanted(bases: Sequence[RunRequest]) -> list[RunRequest]:
        return cross_with_bases(bases, variants)

    def present(material: Material) -> Section:
        return _present(material, models, variants)

    return Study(NAME, DECIDES, wanted, present)


def _variant(bar: Bar) -> Variant[Bar]:
    return Variant(
        bar,
        {
            "model": bar.model,
            "aggregator": bar.aggregator,
            "attack": bar.attack,
            "malicious_ratio": 0.0 if bar.attack == CLEAN else MALICIOUS_RATIO,
            "eval_every": 0,
        },
    )


def _present(
    material: Material, models: Sequence[str], variants: Sequence[Variant[Bar]]
) -> Section:
    found: dict[str, Runs] = {**runs_by_dataset(material, variants)}
    picture = Picture(
        f"{NAME}.png",
        "HR@10 without any attack and under 10 % malicious clients: mean over seeds, "
        "with two standard errors.",
        lambda path: draw_bars(found, models, path),
    )
    return Section(
        f"Figure 4: Spattack on {model_title(models[0])}",
        (describe_bases(material.bases, DECIDES), *_TEXT),
        (
            *(_by_attack(name, runs, models) for name, runs in found.items()),
            *_checked(found),
        ),
        (picture,),
        tuple(find_all(found, models)),
    )


def _by_attack(dataset: str, runs: Runs, models: Sequence[str]) -> Table:
    attacks = (CLEAN, *spattacks_in(runs))
    rows = [
        (
            *(model_title(model), defense_title(aggregator), heading(metric)),
            *(
                _cell(runs, Bar(model, aggregator, attack), metric)
                for attack in attacks
            ),
        )
        for model in models
        for aggregator in AGGREGATORS
        for metric in _METRICS
    ]
    return Table(
        f"{dataset_title(dataset)}: mean ± standard deviation over seeds.",
        ("model", "aggregator", "metric", *map(attack_title, attacks)),
        tuple(rows),
    )


def _cell(runs: Runs, bar: Bar, metric: str) -> str:
    return with_deviation(average(runs[bar], metric))


def _checked(found: dict[str, Runs]) -> list[Table]:
    """The values of an earlier simulation beside this one, where both are there."""
    rows = []
    for (dataset, *bar), values in CHECKED.items():
        records = found.get(dataset, {}).get(Bar(*bar))
        for metric, value in zip(_METRICS, values, strict=True) if records else ():
            mean = average(records or (), metric)
            model, aggregator, attack = bar
            rows.append(
                (
                    *(dataset_title(dataset), model_title(model)),
                    *(defense_title(aggregator), attack_title(attack)),
                    *(heading(metric), f"{value:.3f}", with_deviation(mean)),
                    f"{mean.mean - value:+.3f}",
                )
            )
    if not rows:
        return []
    header = ("data set", "model", "aggregator", "attack", "metric")
    header += ("earlier", "simulation", "difference")
    return [Table("Beside an earlier simulation.", header, tuple(rows))]

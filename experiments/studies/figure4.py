"""Figure 4: Spattack on FedGNN, without a defense and with the median."""

import pathlib
from collections.abc import Sequence
from typing import Any

from experiments.studies.base import Finding, Picture, Section, Study, Table
from experiments.studies.comparison import (
    DRAMATIC,
    Point,
    Runs,
    beside_earlier,
    comparison,
)
from experiments.studies.panels import Column, draw_chance, draw_datasets
from jaxfr.attacks import CLEAN
from jaxfr.records import NEUTRAL, SMALL, heading, looks, part_title

# --- What is run ---

NAME = "figure4"
MODEL, BESIDE = "fedgnn", "fedmf"
AGGREGATORS = ("mean", "median")
SPATTACKS = ("spattack_l_s", "spattack_l_d", "spattack_o_s", "spattack_o_d")
METRICS = ("hr@5", "hr@10")


def _point(model: str, aggregator: str, attack: str) -> Point:
    return Point(attack, 0.0 if attack == CLEAN else 0.10, aggregator, model)


# The paper does not print the numbers of this figure; see ``beside_earlier``. One seed.
EARLIER = {
    (dataset, _point("fedgnn", "mean", attack), metric): value
    for dataset, attack, *values in (
        ("ml-100k", CLEAN, 0.309, 0.469),
        ("ml-100k", "spattack_o_d", 0.045, 0.093),
        ("ml-100k", "spattack_l_d", 0.030, 0.071),
        ("steam", CLEAN, 0.601, 0.715),
    )
    for metric, value in zip(METRICS, values, strict=True)
}

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
    model: str = MODEL, beside: str = BESIDE, spattacks: Sequence[str] = SPATTACKS
) -> Study:
    """Figure 4 as a study: a model beside another one, or the same, under Spattacks."""
    points = [
        _point(name, aggregator, attack)
        for name in dict.fromkeys((model, beside))
        for aggregator in AGGREGATORS
        for attack in (CLEAN, *SPATTACKS)
        if attack in (CLEAN, *spattacks)
    ]
    return comparison(NAME, points, _show)


def _show(found: Sequence[Runs]) -> Section:
    picture = Picture(
        f"{NAME}.png",
        "HR@10 without any attack and under 10 % malicious clients: mean over seeds, "
        "with its 95 % interval.",
        lambda path, width: _draw(found, path, width),
    )
    earlier = beside_earlier(
        "Beside an earlier simulation.",
        ("model", "aggregator", "attack", "metric"),
        lambda point, metric: (
            *(part_title(point.model), _defense(point.aggregator)),
            *(part_title(point.attack), heading(metric)),
        ),
        found,
        EARLIER,
        places=3,
    )
    tables = list(map(_by_attack, found))
    findings = []
    for runs in found:
        findings += [
            _falls_like_the_other(runs),
            _prevented(runs),
            _stronger_under_defense(runs),
        ]
    return Section(
        f"Figure 4: Spattack on {part_title(found[0].varied('model')[0])}",
        _TEXT,
        (*tables, *earlier),
        (picture,),
        tuple(findings),
    )


def _defense(aggregator: str) -> str:
    """The paper's words for an aggregator here, with its name."""
    words = "no defense" if aggregator == "mean" else "defense"
    return f"{words} ({part_title(aggregator).lower()})"


def _by_attack(runs: Runs) -> Table:
    shown = (CLEAN, *runs.varied("attack"))
    rows = [
        (
            *(part_title(model), _defense(aggregator), heading(metric)),
            *(
                str(runs.average(_point(model, aggregator, attack), metric))
                for attack in shown
            ),
        )
        for model in runs.varied("model")
        for aggregator in AGGREGATORS
        for metric in METRICS
    ]
    return Table(
        f"{runs.title}: mean over seeds ± half of its 95 % interval.",
        ("model", "aggregator", "metric", *map(part_title, shown)),
        tuple(rows),
    )


# --- Findings ---


def _falls_like_the_other(runs: Runs) -> Finding:
    models, attacks = runs.varied("model"), runs.varied("attack")
    statement = (
        f"{runs.title}: {part_title(models[0])} drops dramatically under "
        "Spattack (HR@10 at least halved by the strongest, whatever the aggregator)"
    )
    if len(models) > 1:
        statement += f", as {part_title(models[1])} does"
    kept, told = [], []
    for model in models:
        for aggregator in AGGREGATORS:
            clean, *attacked = (
                _point(model, aggregator, attack) for attack in (CLEAN, *attacks)
            )
            share, words = runs.left_of(clean, attacked)
            kept.append(share)
            told.append(f"{part_title(model)}, {_defense(aggregator)}: {words}")
    return Finding(statement, max(kept) <= DRAMATIC, "; ".join(told))


def _prevented(runs: Runs) -> Finding:
    model, *_ = runs.varied("model")
    attacked = [_point(model, "mean", attack) for attack in runs.varied("attack")]
    strongest, value = runs.lowest(attacked)
    level = runs.chance(strongest)
    return Finding(
        f"{runs.title}: poisoned items can prevent {part_title(model)} "
        "from converging, though its weights are densely aggregated",
        value.at_most(level),
        f"HR@10 of {value.mean:.3f} under {part_title(strongest.attack)} with the "
        f"mean; chance is {level:.3f}",
    )


def _stronger_under_defense(runs: Runs) -> Finding:
    stronger, told = [], []
    model, *_ = runs.varied("model")
    for attack in runs.varied("attack"):
        mean, median = (
            runs.average(_point(model, aggregator, attack))
            for aggregator in AGGREGATORS
        )
        stronger.append(median.not_above(mean))
        told.append(
            f"{part_title(attack)} {mean.mean:.3f} and {median.mean:.3f}"
            f"{' (no)' * (not stronger[-1])}"
        )
    return Finding(
        f"{runs.title}: on {part_title(model)} Spattack is at least as "
        "strong under the median as without a defense",
        all(stronger),
        f"HR@10 with the mean and with the median: {'; '.join(told)}; within two "
        "standard errors counts as equal",
    )


# --- The picture ---

_WIDTH = 0.38
# Inches of a panel, so that the numbers above its bars have room.
_LEAST_WIDTH = 2.5


def _draw(found: Sequence[Runs], path: pathlib.Path, width: float) -> None:
    """Draws HR@10 as bars: a panel for each data set and model."""
    shown, colours = (CLEAN, *found[0].varied("attack")), looks(AGGREGATORS)

    def draw(panel: Any, runs: Runs, model: str) -> None:
        for place, aggregator in enumerate(AGGREGATORS):
            points = [_point(model, aggregator, attack) for attack in shown]
            values = [runs.average(point) for point in points]
            bars = panel.bar(
                [at + (place - 0.5) * _WIDTH for at in range(len(shown))],
                [value.mean for value in values],
                _WIDTH,
                yerr=[value.error_bar for value in values],
                error_kw={"elinewidth": 0.8, "ecolor": NEUTRAL},
                color=colours[aggregator].color,
                label=_defense(aggregator),
            )
            white = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}
            panel.bar_label(bars, fmt="%.2f", fontsize=SMALL, padding=2, bbox=white)
        level = runs.chance(_point(model, AGGREGATORS[0], CLEAN))
        draw_chance(panel, level, zorder=2)
        names = [part_title(attack).removeprefix("Spattack-") for attack in shown]
        panel.set_xticks(range(len(shown)), names)
        panel.grid(visible=False, axis="x")
        # Room for the number above the highest bar.
        panel.margins(y=0.1)

    columns = [
        Column(part_title(model), "", model) for model in found[0].varied("model")
    ]
    draw_datasets(found, columns, draw, path, width, least=_LEAST_WIDTH)

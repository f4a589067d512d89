"""Figure 3: Spattack against defenses, by the share of malicious clients."""

import pathlib
from collections.abc import Sequence
from typing import Any

from experiments.studies.base import (
    Finding,
    Picture,
    Section,
    Study,
    Table,
    check_some_of,
)
from experiments.studies.comparison import (
    DRAMATIC,
    Average,
    Point,
    Runs,
    beside_earlier,
    comparison,
    falls,
)
from experiments.studies.panels import Column, draw_chance, draw_datasets, draw_line
from jaxfr.records import HIT_RATIO, looks, part_title

# --- What is run ---

NAME = "figure3"
DEFENSES = ("mean", "median", "trimmed_mean", "krum", "norm")
SPATTACKS = ("spattack_o_s", "spattack_o_d", "spattack_l_s", "spattack_l_d")
# Rules that take the number of malicious rows to be the same for every item.
FIXED_NUMBER_ONLY = ("trimmed_mean", "krum")
_O_RATIOS = (0.01, 0.03, 0.05)
_L_RATIOS = (0.05, 0.10, 0.15)

# The paper prints no numbers with this figure; see ``beside_earlier``.
EARLIER = {
    ("ml-100k", Point(attack, ratio, defense), HIT_RATIO): value
    for defense, attack, ratio, value in (
        ("median", "spattack_o_d", 0.01, 0.38),
        ("median", "spattack_o_d", 0.05, 0.09),
        ("median", "spattack_l_d", 0.05, 0.36),
        ("median", "spattack_l_d", 0.10, 0.03),
        ("norm", "spattack_o_d", 0.05, 0.10),
        ("norm", "spattack_l_d", 0.10, 0.29),
    )
}

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
    """Figure 3 as a study, of some ``DEFENSES`` and some ``SPATTACKS``."""
    check_some_of("defenses", defenses, DEFENSES)
    chosen = [name for name in DEFENSES if name in defenses]
    points = [Point(aggregator=defense) for defense in chosen]
    points += [
        Point(attack, ratio, defense)
        for defense in chosen
        for attack in SPATTACKS
        for ratio in ratios(attack)
        if attack in spattacks and applies(defense, attack)
    ]
    return comparison(NAME, points, _show)


def ratios(attack: str) -> tuple[float, ...]:
    """The malicious ratios at which an attack is shown."""
    return _O_RATIOS if attack.startswith("spattack_o") else _L_RATIOS


def applies(defense: str, attack: str) -> bool:
    """Whether the paper applies the defense to the attack."""
    return attack.endswith("_d") or defense not in FIXED_NUMBER_ONLY


def _along(runs: Runs, defense: str, attack: str) -> list[Average]:
    """The clean run, then the attack by its ratios."""
    points = [Point(attack, ratio, defense) for ratio in ratios(attack)]
    return [runs.average(p) for p in (Point(aggregator=defense), *points)]


def _show(found: Sequence[Runs]) -> Section:
    picture = Picture(
        f"{NAME}.png",
        "HR@10 by the share of malicious clients, a line for each defense: mean over "
        "seeds, with its 95 % interval; at 0 % the clean run under each. TrimM and "
        "Krum do not apply to O-S and L-S.",
        lambda path, width: _draw(found, path, width),
    )
    earlier = beside_earlier(
        "HR@10 beside an earlier simulation.",
        ("defense", "attack", "malicious"),
        lambda point, _: (
            *(part_title(point.aggregator), part_title(point.attack)),
            f"{100 * point.malicious_ratio:g} %",
        ),
        found,
        EARLIER,
    )
    tables = list(map(_by_defense, found))
    findings = []
    for runs in found:
        findings += [_degrades(runs), _median_is_worse(runs), *_falls_with_ratio(runs)]
    return Section(
        "Figure 3: Spattack against defenses",
        _TEXT,
        (*tables, *earlier),
        (picture,),
        (*findings, _not_applicable()),
    )


def _by_defense(runs: Runs) -> Table:
    defenses = runs.varied("aggregator")
    clean = [str(runs.average(Point(aggregator=d))) for d in defenses]
    rows = [("Clean", "0 %", *clean)]
    for attack in runs.varied("attack"):
        for ratio in ratios(attack):
            cells = (
                str(runs.average(Point(attack, ratio, defense)))
                if applies(defense, attack)
                else "does not apply"
                for defense in defenses
            )
            rows.append((part_title(attack), f"{100 * ratio:g} %", *cells))
    return Table(
        f"{runs.title}: HR@10, mean over seeds ± half of its 95 % interval.",
        ("attack", "malicious", *map(part_title, defenses)),
        tuple(rows),
    )


# --- Findings ---

_SMALL = 0.05


def _degrades(runs: Runs) -> Finding:
    told, kept, defenses = [], [], runs.varied("aggregator")
    for defense in defenses:
        attacked = [
            Point(attack, _SMALL, defense)
            for attack in runs.varied("attack")
            if applies(defense, attack)
        ]
        share, words = runs.left_of(Point(aggregator=defense), attacked)
        kept.append(share)
        told.append(f"{part_title(defense)} {words}")
    level = runs.chance(Point(aggregator=defenses[0]))
    return Finding(
        f"{runs.title}: with only 5 % malicious clients Spattack "
        "dramatically degrades the recommender under every defense (HR@10 at least "
        "halved)",
        max(kept) <= DRAMATIC,
        f"clean HR@10 and under the strongest attack: {'; '.join(told)}; chance is "
        f"{level:.3f}",
    )


def _median_is_worse(runs: Runs) -> Finding:
    statement = (
        f"{runs.title}: at 5 % Spattack-O-D breaks the median more than "
        "the mean, and leaves it below chance"
    )
    points = [Point("spattack_o_d", _SMALL, rule) for rule in ("median", "mean")]
    if not all(point in runs for point in points):
        return Finding(statement, None, "needs runs of the mean and the median")
    median, mean = map(runs.average, points)
    level = runs.chance(points[0])
    return Finding(
        statement,
        median.mean <= mean.mean and median.mean < level,
        f"HR@10 {median.with_bound} under the median, {mean.with_bound} under the "
        f"mean; chance is {level:.3f}",
    )


def _falls_with_ratio(runs: Runs) -> list[Finding]:
    """Of each limited attack, under every defense that applies."""
    findings = []
    for attack in runs.varied("attack"):
        applied = [d for d in runs.varied("aggregator") if applies(d, attack)]
        if ratios(attack) == _O_RATIOS or not applied:
            continue
        falling, told = [], []
        for defense in applied:
            values = _along(runs, defense, attack)
            # Below chance, which is what an untrained model has, nothing is left.
            level = runs.chance(Point(aggregator=defense))
            falling.append(falls(values, floor=level))
            means = ", ".join(f"{value.mean:.3f}" for value in values)
            told.append(f"{part_title(defense)} {means}{' (no)' * (not falling[-1])}")
        findings.append(
            Finding(
                f"{runs.title}: under {part_title(attack)} every defense "
                "does the worse, the more clients are malicious",
                all(falling),
                f"HR@10 at 0, 5, 10 and 15 %: {'; '.join(told)}; a step up within two "
                "standard errors, or below chance, counts as none",
            )
        )
    return findings


def _not_applicable() -> Finding:
    names = " and ".join(map(part_title, FIXED_NUMBER_ONLY))
    return Finding(
        f"{names} cannot be applied to Spattack-O-S and -L-S",
        None,
        "follows from their definition, and not from runs: they expect the same number "
        "of malicious rows for every item, which S sends to some items only. The "
        "simulation could run them with the number of malicious clients, but that is "
        "not what the paper compares",
    )


# --- The picture ---


def _draw(found: Sequence[Runs], path: pathlib.Path, width: float) -> None:
    """Draws HR@10 by malicious ratio: a panel for each data set and attack."""
    shown = looks(DEFENSES)

    def draw(panel: Any, runs: Runs, attack: str) -> None:
        defenses = runs.varied("aggregator")
        percent = [0.0, *(100 * ratio for ratio in ratios(attack))]
        for defense in defenses:
            if applies(defense, attack):
                values = _along(runs, defense, attack)
                look = shown[defense]
                draw_line(panel, percent, values, look, label=part_title(defense))
        draw_chance(panel, runs.chance(Point(aggregator=defenses[0])))
        panel.set_xticks(percent)

    label = "malicious clients (%)"
    columns = [
        Column(part_title(attack), label, attack)
        for attack in found[0].varied("attack")
    ]
    draw_datasets(found, columns, draw, path, width)

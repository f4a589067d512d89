"""The hyperparameters of the attacks and the recommender, one at a time."""

import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from experiments.studies.base import Finding, Picture, Section, Study, Table
from experiments.studies.comparison import (
    DRAMATIC,
    Average,
    Point,
    Runs,
    average,
    comparison,
    falls,
)
from experiments.studies.panels import Column, draw_chance, draw_datasets, draw_line
from jaxfr.attacks import ATTACKS, CLEAN
from jaxfr.models import fedmf
from jaxfr.records import NEUTRAL, Record, looks, part_title

# --- What is run ---

NAME = "hyperparameters"


class Sweep(NamedTuple):
    """An option of attacks or model, and the attacks under which it is varied."""

    option: str
    label: str  # for a table or an axis
    values: tuple[float, ...]  # upwards; 0 last for a default
    attacks: tuple[str, ...]  # none for the clean run

    @property
    def usual(self) -> float:
        """The default of the option, which is the paper's value."""
        attack = ATTACKS[self.attacks[-1]]()
        return (attack.options | fedmf().options)[self.option]

    def point(self, value: float, attack: str) -> Point:
        """An attack with the option changed."""
        option = f"{self.option}={value:g}"
        if self.option in fedmf().options:
            return Point(attack, 0.03, model=f"fedmf:{option}")
        return Point(f"{attack}:{option}", 0.03)

    def place(self, records: Sequence[Record]) -> float:
        """The option's value in some runs; of a default, what it came to."""
        used = f"{self.option}_used"
        return average(records, used if used in records[0] else self.option).mean

    def along(self, runs: Runs, attack: str) -> list[tuple[float, Average]]:
        """The places of the values under an attack, and HR@10, upwards."""
        found = (runs[self.point(value, attack)] for value in self.values)
        return sorted((self.place(records), average(records)) for records in found)


POISONED_ITEMS = Sweep(
    "max_poisoned_items",
    "poisoned items per client",
    (50, 100, 250, 500, 1000, 0),
    ("spattack_o_s", "spattack_l_s"),
)
EMBEDDING_DIM = Sweep(
    "embedding_dim",
    "embedding size",
    (8, 16, 32, 64, 128),
    (CLEAN, "spattack_o_d", "spattack_l_d"),
)
NOISE_SCALE = Sweep(
    "noise_scale",
    "standard deviation of the noise",
    (0.01, 0.1, 0.5, 1.0, 2.0, 5.0),
    ("spattack_l_d", "spattack_l_s"),
)
SWEEPS = (POISONED_ITEMS, EMBEDDING_DIM, NOISE_SCALE)

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
    """The hyperparameters as a study."""
    points = [
        sweep.point(value, attack)
        for sweep in sweeps
        for attack in sweep.attacks
        for value in sweep.values
    ]
    return comparison(NAME, points, lambda found: _show(found, sweeps))


def _show(found: Sequence[Runs], sweeps: Sequence[Sweep]) -> Section:
    picture = Picture(
        f"{NAME}.png",
        "HR@10 by poisoned items, embedding size and noise: mean over seeds, with its "
        "95 % interval.",
        lambda path, width: _draw(found, sweeps, path, width),
    )
    of_data = [(runs, sweep) for runs in found for sweep in sweeps]
    return Section(
        "Hyperparameters of Spattack and of FedMF",
        _TEXT,
        tuple(_by_value(*shown) for shown in of_data),
        (picture,),
        tuple(finding for shown in of_data for finding in _findings(*shown)),
    )


def _by_value(runs: Runs, sweep: Sweep) -> Table:
    rows = []
    for value in sweep.values:
        of_value = [runs[sweep.point(value, attack)] for attack in sweep.attacks]
        cells = (str(average(records)) for records in of_value)
        text = f"{sweep.place(of_value[0]):g}"
        rows.append((f"{text} (default)" if value == 0 else text, *cells))
    return Table(
        f"{runs.title}: HR@10 by {sweep.label}, mean over seeds ± half of its "
        "95 % interval.",
        (sweep.label, *map(part_title, sweep.attacks)),
        tuple(rows),
    )


# --- Findings ---


def _findings(runs: Runs, sweep: Sweep) -> list[Finding]:
    if sweep == EMBEDDING_DIM:
        return [_breaks_every_size(runs, sweep)]
    when = "the larger the noise is"
    if sweep == POISONED_ITEMS:
        when = "the more items a client poisons"
    findings = []
    for attack in sweep.attacks:
        along = sweep.along(runs, attack)
        told = ", ".join(f"{place:g}: {value.mean:.3f}" for place, value in along)
        findings.append(
            Finding(
                f"{runs.title}: {part_title(attack)} is the stronger, {when}",
                falls([value for _, value in along]),
                f"HR@10 by {sweep.label}: {told}; a step up within two standard errors "
                "counts as none",
            )
        )
    return findings


def _breaks_every_size(runs: Runs, sweep: Sweep) -> Finding:
    clean, *attacks = sweep.attacks
    kept, told = [], []
    for value in sweep.values:
        before, *attacked = (
            runs.mean(sweep.point(value, attack)) for attack in sweep.attacks
        )
        kept.append(max(attacked) / before if before else 1.0)
        means = " and ".join(f"{mean:.3f}" for mean in attacked)
        told.append(f"{value:g}: {before:.3f} to {means}")
    level = runs.chance(sweep.point(sweep.values[0], clean))
    return Finding(
        f"{runs.title}: {' and '.join(map(part_title, attacks))} each at "
        "least halve HR@10, whatever the embedding size",
        max(kept) <= DRAMATIC,
        f"clean HR@10 and under attack, by size: {'; '.join(told)}; chance is "
        f"{level:.3f}",
    )


# --- The picture ---

# Every attack looks the same in all panels.
_ATTACKS = (CLEAN, "spattack_o_d", "spattack_l_d", "spattack_o_s", "spattack_l_s")


def _draw(
    found: Sequence[Runs], sweeps: Sequence[Sweep], path: pathlib.Path, width: float
) -> None:
    """Draws HR@10: a panel for each data set and option."""
    columns = [Column("", sweep.label, sweep) for sweep in sweeps]
    draw_datasets(found, columns, _draw_sweep, path, width)


def _draw_sweep(panel: Any, runs: Runs, sweep: Sweep) -> None:
    panel.set_xscale("log")
    shown = looks(_ATTACKS)
    for attack in sweep.attacks:
        places, values = zip(*sweep.along(runs, attack), strict=True)
        draw_line(panel, places, values, shown[attack], label=part_title(attack))
    first = sweep.attacks[0]
    draw_chance(panel, runs.chance(sweep.point(sweep.values[0], first)))
    panel.axvline(
        sweep.place(runs[sweep.point(sweep.usual, first)]),
        color=NEUTRAL,
        linewidth=0.6,
        linestyle="--",
        label="default",
        zorder=0,
    )
    # The default of 0 stands too close to its neighbour for a number of its own.
    ticks = [value for value in sweep.values if value]
    panel.set_xticks(ticks, [f"{value:g}" for value in ticks])
    panel.minorticks_off()

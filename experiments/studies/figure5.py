"""Figure 5: Spattack from different rounds on."""

import pathlib
from collections.abc import Sequence
from typing import Any

from experiments.studies.base import Finding, Picture, Section, Study, Table
from experiments.studies.comparison import (
    Point,
    Runs,
    beside_earlier,
    comparison,
    falls,
)
from experiments.studies.panels import Column, draw_chance, draw_datasets
from jaxfr.records import (
    HIT_RATIO,
    LINE_STYLES,
    NEUTRAL,
    PALETTE,
    Record,
    draw_band,
    part_title,
)

# --- What is run ---

NAME = "figure5"
ATTACKS = _OMNISCIENT, _LIMITED = "spattack_o_d", "spattack_l_d"
STARTS = (0, 20, 40, 60)
EVAL_EVERY = 5
CLEAN_RUN = Point(eval_every=EVAL_EVERY)


def _point(attack: str, start: int) -> Point:
    return CLEAN_RUN._replace(attack=attack, malicious_ratio=0.10, attack_start=start)


# The paper prints no numbers with this figure; see ``beside_earlier``.
EARLIER = {
    ("steam", _point(_OMNISCIENT, 60), HIT_RATIO): 0.29,
    ("steam", _point(_LIMITED, 60), HIT_RATIO): 0.05,
}

_TEXT = (
    "FedMF with the mean and 10 % malicious clients, who behave from the start round "
    "on: Spattack-O-D, Spattack-L-D and the clean run, evaluated after every "
    f"{EVAL_EVERY} rounds. The paper shows Steam, and prints no numbers.",
    "Spattack-O uploads the negative of the benign sum, so that no item embedding "
    "moves any more; users still train theirs on them. Spattack-L adds the same noise "
    "in every round, so that items drift away from what was learnt.",
)


def study(starts: Sequence[int] = STARTS) -> Study:
    """Figure 5 as a study, by the first rounds with malicious uploads, upwards."""
    attacked = [_point(attack, start) for attack in ATTACKS for start in starts]
    return comparison(NAME, (CLEAN_RUN, *attacked), _show, "attack_start")


def _show(found: Sequence[Runs]) -> Section:
    picture = Picture(
        f"{NAME}.png",
        "HR@10 by round for each start round, and without any attack: mean over seeds, "
        "shaded to its 95 % interval; triangles mark the starts.",
        lambda path, width: _draw(found, path, width),
    )
    earlier = beside_earlier(
        "HR@10 in the end beside an earlier simulation.",
        ("attack", "start round"),
        lambda point, _: (part_title(point.attack), str(point.attack_start)),
        found,
        EARLIER,
    )
    findings = []
    for runs in found:
        findings += [
            _freezes(runs),
            _collapses(runs),
            *(_earlier_is_worse(runs, a) for a in ATTACKS),
        ]
    return Section(
        "Figure 5: Spattack from different rounds on",
        _TEXT,
        (*map(_ends, found), *earlier),
        (picture,),
        tuple(findings),
    )


def _ends(runs: Runs) -> Table:
    starts = runs.varied("attack_start")
    rows = [("Clean", "-", "-", str(runs.average(CLEAN_RUN)))]
    for attack in ATTACKS:
        for start in starts:
            point = _point(attack, start)
            before = runs.after(point, start)
            rows.append(
                (
                    *(part_title(attack), str(start)),
                    f"{before.mean:.3f}" if before.runs else "-",
                    str(runs.average(point)),
                )
            )
    return Table(
        f"{runs.title}: HR@10 when the attack starts and after the last "
        "round, mean over seeds ± half of its 95 % interval.",
        ("attack", "start round", "at the start", "in the end"),
        tuple(rows),
    )


# --- Findings ---

# As close as a cell of Table 3 is to come to the paper. Items stop, users learn on.
_STOPPED = 0.03


def _freezes(runs: Runs) -> Finding:
    starts = runs.varied("attack_start")
    statement = (
        f"{runs.title}: {part_title(_OMNISCIENT)} keeps the recommender "
        f"from converging any further once it starts (HR@10 within {_STOPPED:g})"
    )
    changes, told = [], []
    for start in starts:
        point = _point(_OMNISCIENT, start)
        before, after = runs.after(point, start), runs.average(point)
        if before.runs == 0:
            why = f"no run was evaluated after {start} rounds, where an attack starts"
            return Finding(statement, None, why)
        changes.append(abs(after.mean - before.mean))
        told.append(f"round {start} {before.mean:.3f} to {after.mean:.3f}")
    evidence = (
        f"HR@10 at the start and in the end: {', '.join(told)}; the clean run ends "
        f"with {runs.mean(CLEAN_RUN):.3f}"
    )
    return Finding(statement, max(changes) <= _STOPPED, evidence)


def _collapses(runs: Runs) -> Finding:
    starts = runs.varied("attack_start")
    points = [_point(_LIMITED, start) for start in starts]
    ends, level = list(map(runs.mean, points)), runs.chance(points[0])
    return Finding(
        f"{runs.title}: {part_title(_LIMITED)} makes the performance "
        "collapse from whichever round it starts (HR@10 below chance in the end)",
        max(ends) < level,
        f"HR@10 in the end by start round: {_by_start(starts, ends)}; chance is "
        f"{level:.3f}",
    )


def _earlier_is_worse(runs: Runs, attack: str) -> Finding:
    starts = runs.varied("attack_start")
    ends = [runs.average(_point(attack, start)) for start in starts]
    return Finding(
        f"{runs.title}: {part_title(attack)} is the stronger, the earlier it starts",
        falls(ends[::-1]),
        "HR@10 in the end by start round: "
        f"{_by_start(starts, [end.mean for end in ends])}; a step down within two "
        "standard errors counts as none",
    )


def _by_start(starts: Sequence[int], ends: Sequence[float]) -> str:
    pairs = zip(starts, ends, strict=True)
    return ", ".join(f"{start}: {end:.3f}" for start, end in pairs)


# --- The picture ---


def _draw(found: Sequence[Runs], path: pathlib.Path, width: float) -> None:
    """Draws HR@10 by round: a panel for each data set and attack."""

    def draw(panel: Any, runs: Runs, attack: str) -> None:
        clean = runs[CLEAN_RUN]
        _draw_curve(panel, clean, color=NEUTRAL, linestyle="-", label="Clean")
        for place, start in enumerate(runs.varied("attack_start")):
            colour = PALETTE[place % len(PALETTE)]
            rounds, mean = _draw_curve(
                panel,
                runs[_point(attack, start)],
                color=colour,
                linestyle=LINE_STYLES[place % len(LINE_STYLES)],
                label=f"from round {start}",
            )
            if start in rounds:
                at = rounds.index(start)
                panel.plot(start, mean[at], "v", color=colour, markersize=4, zorder=4)
        draw_chance(panel, runs.chance(CLEAN_RUN))
        panel.set_xlim(left=0)

    columns = [Column(part_title(attack), "round", attack) for attack in ATTACKS]
    draw_datasets(found, columns, draw, path, width)


def _draw_curve(
    panel: Any, records: Sequence[Record], **style: str
) -> tuple[list[int], list[float]]:
    """Draws the mean over seeds with its interval; rounds and mean."""
    rounds = [point["round"] for point in records[0]["curve"]]
    values = [[p[HIT_RATIO] for p in r["curve"]] for r in records]
    return rounds, draw_band(panel, rounds, values, **style)

"""Table 3: Spattack against six baseline attacks, without any defense."""

import csv
import functools
import itertools
import math
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experiments.studies import table2
from experiments.studies.base import Finding, Picture, Section, Study, Table
from experiments.studies.comparison import NORMAL, Point, Runs, comparison
from experiments.studies.panels import panels
from jaxfr.evaluation import metric_names
from jaxfr.records import (
    HIT_RATIO,
    NEUTRAL,
    PALETTE,
    heading,
    part_title,
    standard_error_bound,
)

# --- The paper's numbers ---


def _read_paper() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """Table 3 as it is printed: by data set, attack and metric."""
    paper: dict[str, dict[str, dict[str, float]]] = {}
    with pathlib.Path(__file__).with_name("table3_paper.csv").open() as file:
        for row in csv.DictReader(file):
            of_dataset = paper.setdefault(row.pop("dataset"), {})
            attack = row.pop("attack")
            of_dataset[attack] = {metric: float(row[metric]) for metric in row}
    return paper


PAPER = _read_paper()
# Users of the test set, over whom each of the paper's numbers is a mean.
USERS = {dataset: row.users for dataset, row in table2.PAPER.items()}


class PaperNumber(NamedTuple):
    """A number of the paper, and half of its 95 % interval for the data set's users."""

    value: float
    half_width: float


def paper_number(
    dataset: str, point: Point, metric: str = HIT_RATIO
) -> PaperNumber | None:
    """A cell of Table 3; None where the paper has none."""
    values = PAPER.get(dataset, {}).get(_attack(point))
    if values is None:
        return None
    error = standard_error_bound(values[metric], USERS[dataset])
    return PaperNumber(values[metric], NORMAL * error)


# --- What is run ---

NAME = "table3"
_point = functools.partial(Point, malicious_ratio=0.03)
_BASELINES = ("label_flip", "fed_attack", "gaussian", "lie", "cluster", "fang")
CLEAN_RUN = _point()
# Statistics over all clients, and over those that sent an item something.
DENSE = tuple(_point(f"{attack}:scope=dense") for attack in _BASELINES)
SPARSE = tuple(_point(f"{attack}:scope=sparse") for attack in _BASELINES)
SPATTACKS = tuple(
    _point(f"spattack_{variant}") for variant in ("l_s", "l_d", "o_s", "o_d")
)
# Duplicate rows as in the reference implementation.
DUPLICATES = tuple(
    _point(f"spattack_{variant}", repeated_negatives="reference")
    for variant in ("o_s", "o_d")
)
IN_PAPER = (CLEAN_RUN, *DENSE, *SPATTACKS)
BESIDE = (*SPARSE, *DUPLICATES)

_TEXT = (
    "FedMF, the mean as aggregator, 3 % malicious clients: the clean run, six baseline "
    "attacks and the four Spattacks. The metrics are those after the last round, over "
    "benign users.",
    "A simulated number is the mean over the seeds ± half of its 95 % interval by "
    "Student's t. The paper says neither how many seeds its numbers are means of nor "
    "how they vary; they are taken for those of one run, with an interval of 1.96 "
    "standard errors sqrt(p (1 - p) / users), exact for a hit ratio and a bound for "
    "nDCG.",
    "Baselines: the paper's numbers come out with statistics over all clients, zeros "
    "for those that sent an item nothing (dense); that the paper computed them so is "
    "an inference from its numbers. Over the rows that an item received (sparse) the "
    "same attacks are a fairer comparison, and Fang is as strong as Spattack. The "
    "paper's baselines are measured against another clean run than its clean column, "
    "so that differences of a few percent between them are noise.",
    "Spattack-O uploads the exact negative of the benign sum, so that every poisoned "
    "item stays at its random start, and the recommender at chance (HR@10 of 0.10), on "
    "every data set. The paper is higher on ML-1M and on Steam. On ML-1M the likely "
    "reason is that the reference implementation keeps a negative that was drawn twice "
    "as two rows and loses one of them from the attackers' sum, so that what is "
    "cancelled is not all that is sent; the rows marked so repeat that. On Steam the "
    "difference is unexplained.",
)


def study(beside: Sequence[Point] = BESIDE) -> Study:
    """Table 3 as a study, with what of ``BESIDE`` stands beside the paper's columns."""
    points = (*IN_PAPER, *beside)
    return comparison(
        NAME, points, lambda found: _show(found, beside), "repeated_negatives"
    )


def _show(found: Sequence[Runs], beside: Sequence[Point]) -> Section:
    in_paper = _layout(
        "Simulation, laid out as in the paper: mean over seeds ± half of its 95 % "
        "interval, in brackets the change against clean. Baselines dense.",
        found,
        IN_PAPER,
    )
    not_in_paper = _layout(
        "Simulation, what the paper does not have: baselines over received rows, and "
        "Spattack-O with duplicate rows.",
        found,
        (CLEAN_RUN, *beside),
    )
    picture = Picture(
        f"{NAME}.png",
        "HR@10 in the paper (circles) and in the simulation, with 95 % intervals; "
        "the lower, the stronger the attack.",
        lambda path, width: _draw(found, path, width),
    )
    return Section(
        "Table 3: Spattack and baseline attacks on FedMF",
        _TEXT,
        (
            in_paper,
            *([not_in_paper] if beside else []),
            *(
                _side_by_side(runs, metrics)
                for runs in found
                for metrics in (metric_names()[:2], metric_names()[2:])
            ),
            *_counts(found),
        ),
        (picture,),
        tuple(_findings(found)),
    )


def _attack(point: Point) -> str:
    return point.attack.partition(":")[0]


def _title(point: Point, full: bool = False) -> str:
    """Names a column, in full with what is the default in the paper's layout."""
    name = part_title(_attack(point))
    if point.repeated_negatives == "reference":
        told = "duplicate rows as in the reference" if full else "duplicates"
        return f"{name} ({told})"
    scope = point.attack.partition(":scope=")[2]
    return f"{name}, {scope}" if scope == "sparse" or (full and scope) else name


def _present(runs: Runs, points: Sequence[Point]) -> list[Point]:
    return [point for point in points if point in runs]


# --- Tables ---


def _layout(caption: str, found: Sequence[Runs], points: Sequence[Point]) -> Table:
    """Rows of data set and metric, a column for each attack."""
    rows = [
        (
            *(runs.title, heading(metric)),
            *(_changed(runs, point, metric) for point in points),
        )
        for runs in found
        for metric in metric_names()
    ]
    return Table(caption, ("data set", "metric", *map(_title, points)), tuple(rows))


def _changed(runs: Runs, point: Point, metric: str) -> str:
    value, clean = runs.average(point, metric), runs.average(CLEAN_RUN, metric)
    text = str(value)
    if point == CLEAN_RUN or value.runs == 0 or not clean.mean > 0:
        return text
    # (Rounded to a whole number first, which has no minus before zero.)
    return f"{text} ({round(100 * (value.mean / clean.mean - 1)):+d} %)"


def _side_by_side(runs: Runs, metrics: Sequence[str]) -> Table:
    names = list(map(heading, metrics))
    columns = (
        f"{name} {what}"
        for name in names
        for what in ("paper", "simulation", "difference")
    )
    rows = [
        (
            _title(point, full=True),
            *(cell for m in metrics for cell in _compare(runs, point, m)),
        )
        for point in _present(runs, (*IN_PAPER, *BESIDE))
    ]
    return Table(
        f"{runs.title}, {' and '.join(names)}: value ± half of its 95 % interval.",
        ("attack", *columns),
        tuple(rows),
    )


def _with_interval(mean: float, half: float) -> str:
    return f"{mean:.4f}" if math.isnan(half) else f"{mean:.4f} ± {half:.4f}"


def _compare(runs: Runs, point: Point, metric: str) -> tuple[str, str, str]:
    """The paper's cell, the simulation's, and their difference."""
    value = runs.average(point, metric)
    simulated = _with_interval(value.mean, value.half_width)
    paper = paper_number(runs.dataset, point, metric)
    if paper is None:
        return "-", simulated, "-"
    return _with_interval(*paper), simulated, f"{value.mean - paper.value:+.4f}"


def _counts(found: Sequence[Runs]) -> list[Table]:
    rows = []
    for runs in found:
        if runs.dataset in PAPER:
            apart = [len(_apart(runs, metric)) for metric in metric_names()]
            cells = (f"{len(IN_PAPER) - n} of {len(IN_PAPER)}" for n in apart)
            rows.append((runs.title, *cells))
    if not rows:
        return []
    caption = f"Cells of Table 3 whose simulated mean is within {CLOSE:g} of the paper."
    return [Table(caption, ("data set", *map(heading, metric_names())), tuple(rows))]


# --- Findings ---

# How far from the paper's HR@10 a mean may be and count as reproduced.
CLOSE = 0.03
_STEAM = "steam"


def _findings(found: Sequence[Runs]) -> list[Finding]:
    """Those of each data set, then the one that compares data sets."""
    findings = []
    for runs in found:
        findings += [
            _reproduced(runs),
            _beats_baselines(runs),
            _prevents_convergence(runs),
            *_everywhere_at_least_as_strong(runs),
            *_order_of_variants(runs),
        ]
    return [*findings, _steam_drops_more(found)]


def _apart(runs: Runs, metric: str = HIT_RATIO) -> list[str]:
    """The paper's columns that are not close to it, with both numbers."""
    apart = []
    for point in IN_PAPER:
        paper, value = (
            paper_number(runs.dataset, point, metric),
            runs.average(point, metric),
        )
        if paper is not None and not abs(value.mean - paper.value) <= CLOSE:
            apart.append(f"{_title(point)} {value.mean:.3f} for {paper.value:.3f}")
    return apart


def _reproduced(runs: Runs) -> Finding:
    statement = f"{runs.title}: every HR@10 of the table comes out within {CLOSE:g}"
    if runs.dataset not in PAPER:
        return Finding(statement, None, "the paper does not have this data set")
    apart = _apart(runs)
    evidence = f"{len(IN_PAPER) - len(apart)} of {len(IN_PAPER)} columns"
    if apart:
        evidence += f"; simulated and in the paper: {', '.join(apart)}"
    again = [
        f"{_title(point)} {runs.mean(point):.3f} for {paper.value:.3f}"
        for point in _present(runs, DUPLICATES)
        if (paper := paper_number(runs.dataset, point)) is not None
    ]
    if again:
        evidence += f". With duplicate rows: {', '.join(again)}"
    return Finding(statement, not apart, evidence)


def _beats_baselines(runs: Runs) -> Finding:
    weakest = max(SPATTACKS, key=runs.mean)
    strongest, baseline = runs.lowest(DENSE)
    evidence = (
        f"HR@10 under the weakest Spattack, {_title(weakest)}, "
        f"{runs.mean(weakest):.3f}; under the strongest baseline, "
        f"{_title(strongest, full=True)}, {baseline.mean:.3f}"
    )
    if sparse := _present(runs, SPARSE):
        received, value = runs.lowest(sparse)
        evidence += f", over received rows {_title(received)}, {value.mean:.3f}"
    papers = [paper_number(runs.dataset, p) for p in (weakest, strongest)]
    if papers[0] is not None and papers[1] is not None:
        evidence += f"; in the paper {papers[0].value:.3f} and {papers[1].value:.3f}"
    return Finding(
        f"{runs.title}: every Spattack outperforms every baseline (dense)",
        runs.mean(weakest) < baseline.mean,
        evidence,
    )


def _prevents_convergence(runs: Runs) -> Finding:
    level = runs.chance(CLEAN_RUN)
    strongest, value = runs.lowest(SPATTACKS)
    return Finding(
        f"{runs.title}: with 3 % malicious clients Spattack can prevent convergence",
        value.at_most(level),
        f"HR@10 of {value.mean:.3f} under {_title(strongest)}, where chance is "
        f"{level:.3f} and the clean run has {runs.mean(CLEAN_RUN):.3f}",
    )


def _everywhere_at_least_as_strong(runs: Runs) -> list[Finding]:
    limited_s, limited_d, omniscient_s, omniscient_d = (
        runs.average(point) for point in SPATTACKS
    )
    return [
        Finding(
            f"{runs.title}: poisoning all items (D) is at least as "
            f"strong as poisoning some (S) for the {knowledge} attacker",
            every.not_above(some),
            f"HR@10 {every.with_bound} and {some.with_bound}",
        )
        for knowledge, every, some in (
            ("omniscient", omniscient_d, omniscient_s),
            ("limited", limited_d, limited_s),
        )
    ]


def _order_of_variants(runs: Runs) -> list[Finding]:
    """The paper's own order on this data set, up to the noise between neighbours."""
    papers = {
        point: paper.value
        for point in SPATTACKS
        if (paper := paper_number(runs.dataset, point)) is not None
    }
    if not papers:
        return []
    order = sorted(papers, key=papers.__getitem__, reverse=True)
    values = [runs.average(point) for point in order]
    names = " > ".join(_title(point).removeprefix("Spattack-") for point in order)
    return [
        Finding(
            f"{runs.title}: HR@10 stands in the order {names}",
            all(b.not_above(a) for a, b in itertools.pairwise(values)),
            f"{', '.join(v.with_bound for v in values)}; in the paper "
            f"{', '.join(f'{papers[point]:.3f}' for point in order)}; neighbours "
            "within two standard errors count as in order",
        )
    ]


def _steam_drops_more(found: Sequence[Runs]) -> Finding:
    statement = "Steam drops more than the other data sets under Spattack"
    if len(found) < 2 or _STEAM not in [runs.dataset for runs in found]:
        return Finding(statement, None, "needs runs on steam and on another data set")
    told, means = [], {}
    for runs in found:
        name, clean = runs.title, runs.mean(CLEAN_RUN)
        if not clean > 0:
            return Finding(statement, None, f"the clean run on {name} hits nothing")
        # What each Spattack takes off the clean HR@10, in percent.
        drops = [100 * (1 - runs.mean(point) / clean) for point in SPATTACKS]
        means[runs.dataset] = statistics.fmean(drops)
        listed = ", ".join(f"{drop:.0f}" for drop in drops)
        told.append(f"{name} {means[runs.dataset]:.0f} % ({listed})")
    steam = means.pop(_STEAM)
    return Finding(
        statement,
        steam > max(means.values()),
        f"HR@10 drops, mean of the four (L-S, L-D, O-S, O-D): {'; '.join(told)}",
    )


# --- The picture ---

# How far above and below an attack's line its dots stand, in lines.
_ABOVE = 0.17


def _draw(found: Sequence[Runs], path: pathlib.Path, width: float) -> None:
    """Draws HR@10 as dots: a panel for each data set, a line for each attack."""
    titles = [runs.title for runs in found]
    with panels([""], titles, "", path, width, height=3.0, least=2.0) as axes:
        for panel, runs in zip(axes.flat, found, strict=True):
            _draw_dataset(panel, runs)
        names = [part_title(_attack(point)) for point in IN_PAPER]
        axes[0, 0].set_yticks(range(len(names)), names)
        # Shared by all panels; the clean run stands on top.
        axes[0, 0].set_ylim(len(names) - 0.5, -0.5)


def _draw_dataset(panel: Any, runs: Runs) -> None:
    for points, label, place, marker, colour in (
        (IN_PAPER, "simulation, baselines dense", 0, "o", PALETTE[0]),
        (SPARSE, "simulation, baselines sparse", _ABOVE, "s", PALETTE[1]),
        (DUPLICATES, "simulation, duplicate rows", _ABOVE, "^", PALETTE[2]),
    ):
        if _present(runs, points):
            values = [runs.average(point) for point in points]
            panel.errorbar(
                [value.mean for value in values],
                [_line(point) + place for point in points],
                xerr=[value.error_bar for value in values],
                fmt=marker,
                color=colour,
                elinewidth=0.8,
                label=label,
            )
    if runs.dataset in PAPER:
        numbers = [paper_number(runs.dataset, point) for point in IN_PAPER]
        known = [number for number in numbers if number is not None]
        panel.errorbar(
            [number.value for number in known],
            [_line(point) - _ABOVE for point in IN_PAPER],
            xerr=[number.half_width for number in known],
            fmt="o",
            color=NEUTRAL,
            markerfacecolor="white",
            elinewidth=0.8,
            label="paper",
        )
    level = runs.chance(CLEAN_RUN)
    panel.axvline(
        level, color=NEUTRAL, linestyle=":", linewidth=0.8, label="chance", zorder=1
    )
    panel.set(xlabel="HR@10")
    panel.set_xlim(left=0)


def _line(point: Point) -> int:
    """The line of a point's attack, from the top."""
    return [_attack(shown) for shown in IN_PAPER].index(_attack(point))

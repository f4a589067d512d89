"""The tournament as a page of Markdown, with the command that makes it."""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.names import is_higher_better
from jaxfr.records import markdown
from jaxfr.records.headings import direction, heading
from jaxfr.tournament.entries import Entry
from jaxfr.tournament.judging import Records, Standing
from jaxfr.tournament.suite import Suite
from jaxfr.tournament.trials import UNDEFENDED, defense_title

_HOW = (
    "A defense is judged by its worst attack, found for each seed; behind it stands "
    "the 95 % interval of the mean over seeds (bootstrap, which of three to five seeds "
    "is too narrow: it lies between the least and the largest of them). *Cost* is what "
    "it takes from the undefended clean run when nobody attacks; *of clean* is the "
    "worst case over that run; *retained* is the same above chance. *Last ten* and *on "
    "the way* are the worst case of the mean of a run's last ten evaluations, and of "
    "its worst evaluation, of those after half of its rounds. *Time* is training "
    "without attackers, over that of the undefended server."
)


class Pictures(NamedTuple):
    """File names of the pictures of one data set and model."""

    by_share: Mapping[float, str]
    over_share: str | None


def render_page(
    suite: Suite,
    standings: Sequence[Standing],
    records: Records,
    pictures: Mapping[tuple[str, str], Pictures],
    command: str,
) -> str:
    """Writes all standings, data set by data set, with the filters' precision."""
    seeds = max(one.seeds for one in standings)
    parts = [
        f"# Tournament {suite.name}",
        f"Suite {suite.name}, {suite.hash}: {suite.rounds} rounds "
        f"at a learning rate of {suite.learning_rate:g}, "
        f"{seeds} seed{'s' * (seeds > 1)}, {len(suite.attack)} attacks.",
        markdown.command(command),
        _HOW,
    ]
    for dataset, model in dict.fromkeys((one.dataset, one.model) for one in standings):
        own = [one for one in standings if (one.dataset, one.model) == (dataset, model)]
        parts.append(f"## {dataset}, {model}")
        shown = pictures.get((dataset, model), Pictures({}, None))
        if shown.over_share:
            told = f"Worst case of each defense by malicious share on {dataset}."
            parts.append(f"![{told}]({shown.over_share})")
        for ratio in dict.fromkeys(one.malicious_ratio for one in own):
            parts.append(f"### {100 * ratio:g} % malicious")
            of_ratio = [one for one in own if one.malicious_ratio == ratio]
            for metric in dict.fromkeys(one.metric for one in of_ratio):
                several = [one for one in of_ratio if one.metric == metric]
                whole = metric == suite.metric
                parts += [
                    f"{heading(metric)}{direction(metric)}",
                    _standings(several) if whole else _beside(several),
                ]
            if ratio in shown.by_share:
                told = f"Every attack against every defense at {100 * ratio:g} %."
                parts.append(f"![{told}]({shown.by_share[ratio]})")
        of_data = {
            trial: record
            for trial, record in records.items()
            if (trial.dataset, trial.model) == (dataset, model)
        }
        parts += [
            *_not_tried(of_data, suite.attack),
            *_filters(of_data),
            *_without_effect(of_data, suite.metric),
            *_weaker_with_more(of_data, suite.metric),
        ]
    return "\n\n".join(parts) + "\n"


def _standings(standings: Sequence[Standing]) -> str:
    """All numbers of the metric that attacks are chosen by."""
    rows = [
        [
            *_worst(one),
            *(_percent(one.cost), _percent(one.of_clean), _percent(one.retained)),
            *(_number(one.worst_of_last), _number(one.worst_on_the_way)),
            "-" if math.isnan(one.slowdown) else f"{one.slowdown:.1f}",
        ]
        for one in _ranked(standings)
    ]
    more = ("cost", "of clean", "retained", "last ten", "on the way", "time")
    return markdown.table((*_WORST, *more), rows)


def _beside(standings: Sequence[Standing]) -> str:
    """What is told of the other metrics."""
    return markdown.table(_WORST, map(_worst, _ranked(standings)))


_WORST = ("defense", "clean", "worst", "95 % interval", "worst attack")


def _worst(one: Standing) -> list[str]:
    return [
        *(defense_title(one.aggregator, one.declared), _number(one.clean)),
        *(_number(one.worst.mean), _interval(one.worst.low, one.worst.high)),
        one.worst_attack,
    ]


def _ranked(standings: Sequence[Standing]) -> list[Standing]:
    """The best worst case first."""
    up = is_higher_better(standings[0].metric)
    return sorted(standings, key=lambda one: one.worst.mean, reverse=up)


def _filters(records: Records) -> list[str]:
    """How well trusts tell malicious clients, of defenses that have any."""
    groups: dict[tuple[str, float, str], list[Mapping[str, float]]] = {}
    for trial, record in records.items():
        if record.get("benign_distrust") is not None:
            defense = defense_title(trial.aggregator, trial.declared)
            key = defense, trial.malicious_ratio, trial.attack
            groups.setdefault(key, []).append(record)
    fields = ("trust_precision", "trust_recall", "benign_distrust")
    rows = [
        [
            *(defense, f"{100 * ratio:g} %", attack),
            *(_mean_of(several, field) for field in fields),
        ]
        for (defense, ratio, attack), several in groups.items()
    ]
    if not rows:
        return []
    told = (
        "Of filters: precision and recall of their distrust, and the distrust of "
        "benign clients, which in the clean run is their false alarm."
    )
    header = ("defense", "share", "attack", "precision", "recall", "benign distrust")
    return [told, markdown.table(header, rows)]


def _mean_of(records: Sequence[Mapping[str, float]], field: str) -> str:
    known = [record[field] for record in records if record.get(field) is not None]
    return _number(statistics.fmean(known)) if known else "-"


def _not_tried(records: Records, attacks: Sequence[str]) -> list[str]:
    """Names attacks that the model cannot have."""
    tried = {trial.attack for trial in records}
    missing = [attack for attack in attacks if attack not in tried]
    return [f"Not possible with this model: {', '.join(missing)}."] * bool(missing)


def _without_effect(records: Records, metric: str) -> list[str]:
    """Names attacks that take nothing from the undefended server at any share."""
    means: dict[str, list[float]] = {}
    for trial, record in records.items():
        if trial.aggregator == UNDEFENDED and record.get(metric) is not None:
            means.setdefault(trial.attack, []).append(record[metric])
    averages = {attack: statistics.fmean(of) for attack, of in means.items()}
    if CLEAN not in averages:
        return []
    up = is_higher_better(metric)
    weak = [
        attack
        for attack, mean in averages.items()
        if attack != CLEAN and (mean >= averages[CLEAN]) == up
    ]
    return [f"Without effect on the undefended server: {', '.join(weak)}."] * bool(weak)


def _weaker_with_more(records: Records, metric: str) -> list[str]:
    """Names attacks that do less with more malicious clients, in every seed."""
    found: dict[tuple[str, str], dict[float, dict[int, float]]] = {}
    for trial, record in records.items():
        if trial.attack != CLEAN and record.get(metric) is not None:
            key = trial.attack, defense_title(trial.aggregator, trial.declared)
            of_share = found.setdefault(key, {}).setdefault(trial.malicious_ratio, {})
            of_share[trial.seed] = record[metric]
    up = is_higher_better(metric)
    weaker = []
    for (attack, defense), shares in found.items():
        for (less, of_less), (more, of_more) in itertools.pairwise(
            sorted(shares.items())
        ):
            seeds = of_less.keys() & of_more.keys()
            pairs = [(of_less[seed], of_more[seed]) for seed in seeds]
            if len(pairs) > 1 and all(a != b and (b > a) == up for a, b in pairs):
                weaker.append(
                    f"{attack} on {defense} ({100 * less:g} to {100 * more:g} %)"
                )
    if not weaker:
        return []
    return [f"Weaker with more malicious clients, in every seed: {', '.join(weaker)}."]


def render_entries(entries: Sequence[Entry], metric: str) -> str:
    """Writes all entries of a suite, the best first, and their errata."""
    parts = [
        f"# Entries in suite {entries[0].suite}",
        f"Suite {entries[0].suite_hash}; worst {heading(metric)}{direction(metric)} "
        "over all attacks that were tried, found for each seed. An entry falls when "
        "somebody finds a stronger attack.",
    ]
    rows: dict[tuple[str, str, float], list[tuple[Entry, Mapping]]] = {}
    for entry in entries:
        for one in entry.standings:
            if one["metric"] == metric:
                key = one["dataset"], one["model"], one["malicious_ratio"]
                rows.setdefault(key, []).append((entry, one))
    up = is_higher_better(metric)
    header = (
        *("defense", "clean", "worst", "95 % interval", "worst attack", "retained"),
        *("seeds", "attacks beside the suite's", "code"),
    )
    for (dataset, model, ratio), several in rows.items():
        parts.append(f"## {dataset}, {model}, {100 * ratio:g} % malicious")
        ranked = sorted(several, key=lambda pair: pair[1]["worst"], reverse=up)
        cells = [
            [
                defense_title(entry.aggregator, one["declared"]),
                *(_number(one["clean"]), _number(one["worst"])),
                _interval(one["worst_low"], one["worst_high"]),
                *(one["worst_attack"], _percent(one["retained"]), str(one["seeds"])),
                *(", ".join(entry.attacks) or "-", entry.code_version),
            ]
            for entry, one in ranked
        ]
        parts.append(markdown.table(header, cells))
    errata = [(entry, one) for entry in entries for one in entry.errata]
    if errata:
        fields = ("date", "dataset", "model", "malicious_ratio", "metric")
        lines = [
            [
                *(entry.aggregator, *(str(one[name]) for name in fields)),
                *(_number(one["before"]), _number(one["after"]), one["why"]),
            ]
            for entry, one in errata
        ]
        header = ("defense", *fields, "before", "after", "why")
        parts += ["## Errata", markdown.table(header, lines)]
    return "\n\n".join(parts) + "\n"


def _number(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def _interval(low: float | None, high: float | None) -> str:
    told = f"{_number(low)} to {_number(high)}"
    return told if told != "- to -" else "-"


def _percent(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{100 * value:.1f} %"

"""What must be said beside the metrics of some runs, lest they mislead."""

from collections.abc import Iterable, Mapping, Sequence

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.names import find_metric, overall_fields
from jaxfr.records.chance import (
    CHANCE,
    MOST_POPULAR,
    REFERENCES,
    evaluated_users,
    is_no_better,
    main_metric,
    reference,
    standard_error_bound,
)
from jaxfr.records.headings import heading
from jaxfr.records.selection import shown
from jaxfr.store import Record

_NO_BETTER: Mapping[str, str] = {
    CHANCE: "learned nothing, so that an attack has nothing to take",
    MOST_POPULAR: "served users no better than one list of popular items for everybody",
}
"""What it says of clean runs that they are no better than a reference."""
# The paper's, after which models of its data sets are not yet trained to their end.
_FEW_ROUNDS = 200


def has_diverged(record: Record) -> bool:
    """Whether numbers of a run overflowed: its uploads, or scores in the end.

    Its metrics are then low for that reason, with an attack or without.
    """
    return _dropped(record) + _nonfinite(record) > 0


def caveats(records: Sequence[Record]) -> list[str]:
    """Says, in a line each, what makes metrics of these runs mean less than they seem.

    That some diverged, that clean runs are no better than chance or than the most
    popular items, that lists are longer than what is ranked; nothing if all is well.
    """
    clean = _distinct(record for record in records if record.get("attack") == CLEAN)
    references = (_no_better(clean, name, told) for name, told in _NO_BETTER.items())
    lines = (_diverged(records), *references, _short_lists(records))
    return [line for line in lines if line]


def _diverged(records: Sequence[Record]) -> str:
    found = [record for record in records if has_diverged(record)]
    if not found:
        return ""
    attacks = dict.fromkeys(shown("attack", record.get("attack")) for record in found)
    return (
        f"{_some(found, records)} diverged ({', '.join(attacks)}): "
        f"{sum(map(_dropped, found)):,} uploads were not finite and left out, "
        f"{sum(map(_nonfinite, found)):,} test items have no finite score in the end; "
        "low metrics then tell of overflow, perhaps of nothing else"
    )


def _no_better(clean: Sequence[Record], name: str, told: str) -> str:
    """Of clean runs that are no better than this reference, but better than others."""
    before = REFERENCES[: REFERENCES.index(name)]
    found = [
        record
        for record in clean
        if is_no_better(record, name)
        and not any(is_no_better(record, other) for other in before)
    ]
    if not found:
        return ""
    metric = main_metric(found[0])
    alike = [record for record in found if main_metric(record) == metric]
    own = _range([record[metric] for record in alike], ".3f")
    levels = [reference(record, name, metric) for record in alike]
    errors = (
        standard_error_bound(level, evaluated_users(record))
        for level, record in zip(levels, alike, strict=True)
    )
    return (
        f"{_some(found, clean, 'clean run')} {told}: {heading(metric)} {own}, "
        f"{heading(name)} {_range(levels, '.3f')}, standard error up to "
        f"{max(errors):.3f}{_advice(found)}"
    )


def _distinct(clean: Iterable[Record]) -> list[Record]:
    """Runs that are no repetition: without an attack its ratio often means nothing."""
    names = ("dataset", "model", "aggregator", "seed")
    found: dict[object, Record] = {}
    for record in clean:
        metric = main_metric(record)
        curve = [point.get(metric) for point in record.get("curve", ())]
        key = *curve, record.get(metric), *(record.get(name) for name in names)
        found.setdefault(key, record)
    return list(found.values())


def _advice(found: Sequence[Record]) -> str:
    rounds = [record["rounds"] for record in found if "rounds" in record]
    if not rounds or max(rounds) > _FEW_ROUNDS:
        return ""
    return f"; usual after {_range(rounds, 'd')} rounds: rounds=1000 trains on"


def _short_lists(records: Sequence[Record]) -> str:
    fields = {name for record in records for name in overall_fields(record)}
    hit_ratios = [name for name in fields if name.startswith("hr@")]
    lengths = sorted(int(name[3:]) for name in hit_ratios if find_metric(name))
    found = {
        cutoff: [r for r in records if r.get("num_ranked", cutoff + 1) <= cutoff]
        for cutoff in lengths
    }
    names = [f"HR@{cutoff}" for cutoff, short in found.items() if short]
    if not names:
        return ""
    short = found[lengths[-1]]
    numbers = _range([record["num_ranked"] for record in short], "g")
    return (
        f"{_some(short, records)} ranked test items among {numbers} items on average: "
        f"{' and '.join(names)} is 1 there, whatever is learned, if scores are finite"
    )


def _range(values: Sequence[float], form: str) -> str:
    ends = dict.fromkeys((min(values), max(values)))
    return " to ".join(format(value, form) for value in ends)


def _some(found: Sequence[Record], of: Sequence[Record], what: str = "run") -> str:
    return f"{len(found)} of {len(of)} {what}s"


def _dropped(record: Record) -> int:
    return record.get("dropped_uploads", 0)


def _nonfinite(record: Record) -> int:
    return record.get("nonfinite_scores", 0)

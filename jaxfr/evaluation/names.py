"""Metrics by name, as flags and records write them.

A new metric is one new file and one line in ``METRICS``, or in ``METRICS_AT_K`` if it
has a length of list.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxfr.errors import InvalidInputError, nearest
from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.metrics import (
    Metric,
    RankingName,
    exposure,
    hit_ratio,
    in_ranking,
    ndcg,
    percentile,
)
from jaxfr.ranges import Range

METRICS: Mapping[str, Callable[[], Metric]] = {"percentile": percentile}
METRICS_AT_K: Mapping[str, Callable[[int], Metric]] = {
    "hr": hit_ratio,
    "ndcg": ndcg,
    "er": exposure,
}

DEFAULT_NAMES = "hr@5,ndcg@5,hr@10,ndcg@10"

# Users are counted at each rank of a list.
_CUTOFFS = Range(1, 1000, whole=True)
_RANKINGS: Mapping[str, RankingName] = {
    "sampled": "sampled",
    "full": "full",
    "within_third": "within_third",
}
_NAME = re.compile(rf"(?:({'|'.join(_RANKINGS)})_)?([a-z_]+)(?:@([0-9]{{1,9}}))?")


def parse_metrics(names: str) -> tuple[Metric, ...]:
    """Finds the metrics of a list such as ``hr@10,full_hr@10,percentile``.

    Args:
        names: names with commas between them: a key of ``METRICS``, or of
            ``METRICS_AT_K`` with ``@`` and a length; of the run's own ranking, or in
            front of them ``sampled_``, ``full_`` or ``within_third_``.

    Raises:
        InvalidInputError: if there is no such metric, or one stands there twice.
    """
    parts = names.split(",")
    if len(set(parts)) < len(parts):
        raise InvalidInputError(f"metrics={names!r}: must be distinct")
    return tuple(map(_parse, parts))


def find_metric(field: str) -> Metric | None:
    """The metric of a record's field, such as ``hr@10_tail``; None if it is of none."""
    for group in GROUP_NAMES:
        field = field.removesuffix(f"_{group}")
    try:
        return _parse(field)
    except InvalidInputError:
        return None


def is_higher_better(field: str) -> bool:
    """Whether more of a record's field is better; so it is said of unknown fields."""
    metric = find_metric(field)
    return metric is None or metric.higher_is_better


def metric_names(
    group_name: str | None = None, metrics: Sequence[Metric] | None = None
) -> tuple[str, ...]:
    """Returns the record fields of metrics: ``hr@5``, ``ndcg@5``, ``hr@10``, ...

    Args:
        group_name: one of ``GROUP_NAMES``, which becomes a suffix (``hr@5_head``), or
            None for the metrics over all users.
        metrics: those of a run; by default ``DEFAULT_METRICS``.
    """
    chosen = DEFAULT_METRICS if metrics is None else metrics
    if group_name is None:
        return tuple(metric.name for metric in chosen)
    return tuple(
        f"{metric.name}_{group_name}" for metric in chosen if metric.has_groups
    )


def overall_fields(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of a record's metrics over all users, in the order of its options.

    Args:
        record: a run; an older one does not say and has the default ones.
    """
    return tuple(record.get("metrics", DEFAULT_NAMES).split(","))


def null_where_nobody(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record in which a mean over nobody is None, where an older one says 0.

    Args:
        record: a run, with the fields of ``as_record``.
    """
    nobody = [name for name in GROUP_NAMES if record.get(f"users_{name}") == 0]
    return {**record} | {
        metric: None
        for group_name in nobody
        for metric in metric_names(group_name)
        if metric in record
    }


def _parse(name: str) -> Metric:
    parts = _NAME.fullmatch(name)
    prefix, base, cutoff = parts.groups() if parts else (None, "", None)
    if cutoff is None and base in METRICS:
        metric = METRICS[base]()
    elif cutoff is not None and base in METRICS_AT_K and _CUTOFFS.holds(int(cutoff)):
        metric = METRICS_AT_K[base](int(cutoff))
    else:
        known = [*METRICS, *(f"{base}@K" for base in METRICS_AT_K)]
        raise InvalidInputError(
            f"metrics={name!r}: must be {', '.join(known)}, K {_CUTOFFS}, with "
            f"{'_, '.join(_RANKINGS)}_ or nothing before it"
            f"{nearest(base, [*METRICS, *METRICS_AT_K])}"
        )
    if prefix is None:
        return metric
    if metric.ranking != "own":
        raise InvalidInputError(f"metrics={name!r}: has a ranking of its own")
    return in_ranking(metric, _RANKINGS[prefix])


DEFAULT_METRICS = parse_metrics(DEFAULT_NAMES)

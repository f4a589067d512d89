"""What one evaluation found: users counted, and the metrics that these counts are."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.contracts import refuse
from jaxfr.devices import sum_over_devices
from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.metrics import NO_RANK, Metric, RankingName
from jaxfr.evaluation.names import metric_names
from jaxfr.shapes import Bool, Int
from jaxfr.showing import brief, by_shapes

# Everybody, then each of ``GROUP_NAMES``.
_ALL_GROUPS = 1 + len(GROUP_NAMES)


class Ranks(NamedTuple):
    """Where some items stand in each user's ranking.

    Attributes:
        rank: from 0, or ``NO_RANK``.
        num_others: items that an item of the user is ranked beside.
        counts: whether the user has this ranking.
    """

    rank: Int[Array, "n items"]
    num_others: Int[Array, " n"]
    counts: Bool[Array, "n items"]


class Counts(NamedTuple):
    """What one metric counted.

    Attributes:
        sums: over users, of ``Metric.count_user``; the first group is everybody.
    """

    sums: Int[Array, "... groups items c"]
    num_users: Int[Array, "... groups items"]


@by_shapes
class Outcome(NamedTuple):
    """What one evaluation found.

    Attributes:
        num_users: users with a test item, all and by group.
        nonfinite_scores: number of users whose test item has a score that is not
            finite, and who therefore hit nothing.
    """

    counts: tuple[Counts, ...]
    num_users: Int[Array, "... groups"]
    nonfinite_scores: Int[Array, "..."]


def no_outcome(metrics: Sequence[Metric], num_targets: int) -> Outcome:
    """Counts of no user at all."""

    def zeros(metric: Metric) -> Counts:
        number = jax.ShapeDtypeStruct((), jnp.int32)
        counted = jax.eval_shape(metric.count_user, number, number)
        if jnp.ndim(counted) != 1 or not jnp.issubdtype(counted.dtype, jnp.integer):
            refuse(
                metric.count_user,
                f"returned {brief(counted)}; must be whole numbers, int32[c]",
            )
        groups = (_ALL_GROUPS, 1) if metric.has_groups else (1, num_targets)
        return Counts(
            jnp.zeros((*groups, *counted.shape), jnp.int32),
            jnp.zeros(groups, jnp.int32),
        )

    users = jnp.zeros(_ALL_GROUPS, jnp.int32)
    return Outcome(tuple(map(zeros, metrics)), users, jnp.int32(0))


def count_users(
    metrics: Sequence[Metric],
    ranks: Mapping[RankingName, Ranks],
    degree_group: Int[Array, " n"],
) -> Outcome:
    """Counts the users of all devices.

    Args:
        ranks: of this device's users, in the rankings of all metrics and in ``own``.
        degree_group: index into ``GROUP_NAMES`` of each user's test item; a user with
            another number counts only among everybody.
    """
    own = ranks["own"]
    in_group = degree_group == jnp.arange(len(GROUP_NAMES))[:, None]
    members = jnp.append(jnp.ones_like(in_group[:1]), in_group, axis=0)
    counts = [
        _count(metric, ranks[metric.ranking], members if metric.has_groups else None)
        for metric in metrics
    ]
    evaluated = own.counts[:, 0]
    outcome = Outcome(
        tuple(counts),
        jnp.sum(members & evaluated, axis=1, dtype=jnp.int32),
        jnp.sum(evaluated & (own.rank[:, 0] == NO_RANK), dtype=jnp.int32),
    )
    return jax.tree.map(sum_over_devices, outcome)


def averages(metrics: Sequence[Metric], outcome: Outcome) -> dict[str, Any]:
    """Every metric by its name, ``hr@10`` as well as ``hr@10_tail``.

    Args:
        outcome: of any number of evaluations, in arrays of JAX or of NumPy.

    Returns:
        Float32 ``[...]``, float64 from NumPy; NaN where it is a mean over nobody.
    """
    found: dict[str, Any] = {}
    for metric, counts in zip(metrics, outcome.counts, strict=True):
        values = _average(metric, counts)
        found[metric.name] = values[..., 0]
        if metric.has_groups:
            for index, group in enumerate(GROUP_NAMES):
                found[f"{metric.name}_{group}"] = values[..., 1 + index]
    return found


def as_record(metrics: Sequence[Metric], outcome: Outcome) -> dict[str, Any]:
    """Flattens one evaluation to named numbers.

    Averages are made on the host, from counts, so that they have the same bits whatever
    counted; rounded to float32.

    Returns:
        The metrics in their order, then for each group its metrics and its number of
        users, as in ``hr@5_head`` and ``users_head``, and ``nonfinite_scores``. A mean
        over nobody is None.
    """
    outcome = jax.device_get(outcome)
    values = averages(metrics, outcome)

    def known(name: str) -> float | None:
        value = float(np.float32(values[name]))
        return None if math.isnan(value) else value

    record: dict[str, Any] = {name: known(name) for name in metric_names(None, metrics)}
    for index, group in enumerate(GROUP_NAMES):
        record |= {name: known(name) for name in metric_names(group, metrics)}
        record[f"users_{group}"] = int(outcome.num_users[1 + index])
    return record | {"nonfinite_scores": int(outcome.nonfinite_scores)}


def _count(metric: Metric, ranks: Ranks, members: Array | None) -> Counts:
    """Counts this device's users, in all groups or, without any, everybody."""
    of_items = jax.vmap(metric.count_user, in_axes=(0, None))
    counted = jax.vmap(of_items)(ranks.rank, ranks.num_others)
    taken = ranks.counts[None] if members is None else ranks.counts & members[..., None]
    return Counts(
        jnp.sum(jnp.where(taken[..., None], counted, 0), axis=1, dtype=jnp.int32),
        jnp.sum(taken, axis=1, dtype=jnp.int32),
    )


def _average(metric: Metric, counts: Counts) -> Any:
    """The mean over items of the metric of each, ``[..., groups]``; NaN for nobody.

    Items that no user has in its ranking do not count.
    """
    arrays: Any = np if isinstance(counts.num_users, np.ndarray) else jnp
    somebody = counts.num_users > 0
    value = metric.average(counts.sums, arrays.maximum(counts.num_users, 1))
    if np.shape(value) != np.shape(somebody):
        refuse(
            metric.average,
            f"returned {brief(value)}; must be a number of each of {brief(somebody)}",
        )
    total = arrays.sum(arrays.where(somebody, value, 0), axis=-1)
    number = arrays.sum(somebody, axis=-1)
    return arrays.where(number > 0, total / arrays.maximum(number, 1), math.nan)

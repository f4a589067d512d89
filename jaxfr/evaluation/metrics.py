"""Hit ratio and nDCG of a leave-one-out ranking, overall and by item degree."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.evaluation.degree_groups import GROUP_NAMES
from jaxfr.evaluation.ranking import NO_RANK

# The list lengths K at which every metric is reported.
CUTOFFS = (5, 10)

_RANKS = np.arange(max(CUTOFFS))
_HITS = (_RANKS[:, None] < np.array(CUTOFFS)).astype(np.float64)
_GAINS = _HITS / np.log2(_RANKS[:, None] + 2)


class Averages(NamedTuple):
    """How often a set of users have their test item at which rank, and its averages.

    Only whole numbers are kept, so that the averages are a function of the ranks alone,
    in whichever order, and on however many devices, users are counted.

    Attributes:
        users_at: number of users whose test item has rank 0, 1, ... up to the last that
            is within some K of ``CUTOFFS``; int32 ``[..., max(CUTOFFS)]``.
        num_users: number of users, int32 ``[...]``.
    """

    users_at: Array
    num_users: Array

    @property
    def hit_ratio(self) -> Array:
        """Share of users whose test item is among the first K, float32 ``[..., K]``.

        With a single relevant item a user's hit at K is 1 where its rank, from 0, is
        below K, else 0. NaN where there is no user: nobody's mean is not 0.
        """
        return _mean(jnp, self, _HITS.astype(np.float32))

    @property
    def ndcg(self) -> Array:
        """Mean normalised discounted cumulative gain at K, float32 ``[..., K]``.

        The ideal DCG of a single relevant item is 1, so that a user's nDCG at K is ``1
        / log2(rank + 2)`` where its rank is below K, else 0. NaN where there is no
        user.
        """
        return _mean(jnp, self, _GAINS.astype(np.float32))


class Metrics(NamedTuple):
    """What one evaluation found.

    Attributes:
        overall: over all evaluated users, without leading axis.
        by_group: over the users of each group, leading axis ``[groups]``.
        nonfinite_scores: number of evaluated users whose test item has a score that is
            not finite, and who therefore hit nothing; int32 scalar.
    """

    overall: Averages
    by_group: Averages
    nonfinite_scores: Array


def zero_metrics() -> Metrics:
    """Counts of no user at all, in the groups of ``GROUP_NAMES``."""

    def zeros(*shape: int) -> Averages:
        return Averages(
            jnp.zeros((*shape, len(_RANKS)), jnp.int32), jnp.zeros(shape, jnp.int32)
        )

    return Metrics(zeros(), zeros(len(GROUP_NAMES)), jnp.int32(0))


def compute_metrics(
    ranks: Array, evaluated: Array, group: Array, num_groups: int
) -> Metrics:
    """Counts users by the rank of their test item, all and by group.

    Args:
        ranks: rank of each user's test item, from 0, or ``NO_RANK``; int32 ``[n]``.
        evaluated: which users count: benign, and with a test item; bool ``[n]``.
        group: each user's group; one outside 0 .. ``num_groups`` - 1 counts only
            overall; int32 ``[n]``.
        num_groups: static.

    Returns:
        The counts, which know their averages.
    """
    chex.assert_rank(ranks, 1)
    chex.assert_equal_shape([ranks, evaluated, group])
    has_rank = ranks == jnp.asarray(_RANKS, jnp.int32)[:, None]

    def count(members: Array) -> Averages:
        return Averages(
            jnp.sum(has_rank & members, axis=1, dtype=jnp.int32),
            jnp.sum(members, dtype=jnp.int32),
        )

    in_group = evaluated & (group == jnp.arange(num_groups)[:, None])
    return Metrics(
        count(evaluated),
        jax.vmap(count)(in_group),
        jnp.sum(evaluated & (ranks == NO_RANK), dtype=jnp.int32),
    )


def metric_names(group_name: str | None = None) -> tuple[str, ...]:
    """Returns the record fields of the metrics: ``hr@5``, ``ndcg@5``, ``hr@10``, ...

    Args:
        group_name: one of ``GROUP_NAMES``, which becomes a suffix (``hr@5_head``), or
            None for the metrics over all users.
    """
    suffix = "" if group_name is None else f"_{group_name}"
    return tuple(
        f"{metric}@{cutoff}{suffix}" for cutoff in CUTOFFS for metric in ("hr", "ndcg")
    )


EVERY_METRIC = frozenset(
    name for group in (None, *GROUP_NAMES) for name in metric_names(group)
)


def as_record(metrics: Metrics) -> dict[str, float | None]:
    """Flattens one evaluation to named numbers.

    Averages are made on the host, from counts, so that they have the same bits whatever
    counted; rounded to float32.

    Args:
        metrics: of one evaluation of one seed, with a group for each of
            ``GROUP_NAMES``.

    Returns:
        The fields ``metric_names()``, then for each group its metrics and its number
        of users, as in ``hr@5_head`` and ``users_head``, and ``nonfinite_scores``. A
        mean over nobody is None.
    """
    overall, by_group, nonfinite_scores = jax.device_get(metrics)
    chex.assert_shape(by_group.num_users, (len(GROUP_NAMES),))
    record = _named(overall, None)
    for index, name in enumerate(GROUP_NAMES):
        group = Averages(*(field[index] for field in by_group))
        record |= _named(group, name) | {f"users_{name}": int(group.num_users)}
    return record | {"nonfinite_scores": int(nonfinite_scores)}


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


def _mean(array_module: Any, averages: Averages, values: np.ndarray) -> Any:
    """The mean over users of a value by rank, NaN where there is no user.

    Args:
        array_module: ``numpy`` or ``jax.numpy``.
        averages: counts ``[..., ranks]``.
        values: ``[ranks, K]``, of the type to compute with.

    Returns:
        ``[..., K]``.
    """
    users_at = averages.users_at[..., None].astype(values.dtype)
    total = array_module.sum(users_at * values, axis=-2)
    number = averages.num_users[..., None].astype(values.dtype)
    mean = total / array_module.maximum(number, 1)
    return array_module.where(number > 0, mean, values.dtype.type(math.nan))


def _named(averages: Averages, group_name: str | None) -> dict[str, float | None]:
    means = [_mean(np, averages, values) for values in (_HITS, _GAINS)]
    values = np.stack(means, axis=-1).ravel().astype(np.float32).tolist()
    known = [None if math.isnan(value) else value for value in values]
    return dict(zip(metric_names(group_name), known, strict=True))

"""Hit ratio and nDCG of a leave-one-out ranking, overall and by item degree."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.evaluation.degree_groups import GROUP_NAMES

# The list lengths K at which every metric is reported.
CUTOFFS = (5, 10)


class Averages(NamedTuple):
    """Metrics averaged over a set of users; zero where the set is empty.

    Attributes:
        hit_ratio: share of users whose test item is among the first K, for each K
            of ``CUTOFFS``; float32 ``[..., K]``.
        ndcg: mean normalised discounted cumulative gain at K; float32 ``[..., K]``.
        num_users: number of users averaged over, int32 ``[...]``.
    """

    hit_ratio: Array
    ndcg: Array
    num_users: Array


class Metrics(NamedTuple):
    """What one evaluation found.

    Attributes:
        overall: over all evaluated users, without leading axis.
        by_group: over the users of each group, leading axis ``[groups]``.
    """

    overall: Averages
    by_group: Averages


def zero_metrics() -> Metrics:
    """Metrics of no user at all, in the groups of ``GROUP_NAMES``."""

    def zeros(*shape: int) -> Averages:
        values = jnp.zeros((*shape, len(CUTOFFS)))
        return Averages(values, values, jnp.zeros(shape, jnp.int32))

    return Metrics(zeros(), zeros(len(GROUP_NAMES)))


def hits_and_gains(rank: Array) -> tuple[Array, Array]:
    """Scores one client's rank at each cut-off.

    With a single relevant item the ideal DCG is 1, and so::

        hit@K  = 1                  if rank < K, else 0
        nDCG@K = 1 / log2(rank + 2) if rank < K, else 0

    Args:
        rank: rank of the client's test item, from 0, int32 scalar.

    Returns:
        Hits and gains, float32 ``[K]`` each.
    """
    chex.assert_rank(rank, 0)
    hits = (rank < jnp.array(CUTOFFS)).astype(jnp.float32)
    return hits, hits / jnp.log2(rank.astype(jnp.float32) + 2)


def compute_metrics(
    ranks: Array, evaluated: Array, group: Array, num_groups: int
) -> Metrics:
    """Averages hits and gains over users, all and by group.

    Args:
        ranks: rank of each user's test item, from 0, int32 ``[n]``.
        evaluated: which users count: benign, and with a test item; bool ``[n]``.
        group: each user's group; one outside 0 .. ``num_groups`` - 1 counts only
            overall; int32 ``[n]``.
        num_groups: static.

    Returns:
        The averages.
    """
    chex.assert_rank(ranks, 1)
    chex.assert_equal_shape([ranks, evaluated, group])
    hits, gains = jax.vmap(hits_and_gains)(ranks)

    def average(members: Array) -> Averages:
        num_users = jnp.sum(members, dtype=jnp.int32)

        def mean(values: Array) -> Array:
            # A set without users is 0, not 0 / 0.
            total = jnp.sum(jnp.where(members[:, None], values, 0), axis=0)
            return total / jnp.maximum(num_users, 1)

        return Averages(mean(hits), mean(gains), num_users)

    in_group = evaluated & (group == jnp.arange(num_groups)[:, None])
    return Metrics(average(evaluated), jax.vmap(average)(in_group))


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


def as_record(metrics: Metrics) -> dict[str, float]:
    """Flattens one evaluation to named numbers.

    Args:
        metrics: of one evaluation of one seed, with a group for each of
            ``GROUP_NAMES``.

    Returns:
        The fields ``metric_names()``, then for each group its metrics and its number
        of users, as in ``hr@5_head`` and ``users_head``.
    """
    overall, by_group = jax.device_get(metrics)
    chex.assert_shape(by_group.num_users, (len(GROUP_NAMES),))
    record = _named(overall, None)
    for index, name in enumerate(GROUP_NAMES):
        group = Averages(*(field[index] for field in by_group))
        record |= _named(group, name) | {f"users_{name}": int(group.num_users)}
    return record


def _named(averages: Averages, group_name: str | None) -> dict[str, float]:
    values = np.stack([averages.hit_ratio, averages.ndcg], axis=-1).ravel().tolist()
    return dict(zip(metric_names(group_name), values, strict=True))

"""What a metric is, and the metrics that there are."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.contracts import check_arguments, refuse
from jaxfr.errors import InvalidInputError
from jaxfr.showing import by_shapes

# The rank of a test item whose score is not finite: behind every list, however short.
NO_RANK = int(np.iinfo(np.int32).max)


RankingName = Literal["own", "sampled", "full", "within_third", "targets"]

# A user's value is counted in steps of 2^-24, in three numbers of eight bits each, so
# that int32 holds their sums over up to 2^23 users.
_STEPS = 2**24
_WEIGHTS = np.array([2.0**16, 2.0**8, 1.0])

# A value from 0 to 1 is tried at every rank among so many other items; by how much
# float32 may round it beyond.
_TRIED_OTHERS = (0, 1, 99, 1999)
_ROUNDED = 1e-6


@by_shapes
class Metric(NamedTuple):
    """A number that says how well users are served.

    >>> fr.hit_ratio(10).name, fr.hit_ratio(10).higher_is_better
    ('hr@10', True)

    It is found in two steps: each user is counted in whole numbers, which are summed
    over users, and the sums are turned into the metric. So it is a function of the
    rankings alone, in whichever order and on however many devices users are counted.

    Attributes:
        name: its field in records, such as ``hr@10``; names of a run are distinct.
        higher_is_better: whether users are better served by more of it.
        count_user: takes the rank of one item in one user's ranking (from 0, or
            ``NO_RANK``) and the number of other items there, int32 scalars; returns the
            whole numbers that are summed over users, int32 ``[c]``.
        average: takes the sums ``[..., c]`` and the number of users ``[...]``, which is
            at least 1; returns the metric ``[...]``. Arrays are NumPy's where a record
            is made, which computes in float64, and JAX's inside a program.
        chance: takes the numbers of other items, float64 ``[n]``; returns what a random
            order of them and the item gives each user on average, ``[n]``. None where
            that is not known.
        ranking: which ranking it is of. ``own``: of the test item, among what the run
            ranks it among; ``sampled`` and ``full``: of the test item, among these
            candidates in any case; ``within_third``: of the test item, among candidates
            of its own popularity third; ``targets``: of each target, among all items
            that the user did not train on.
        part: what made it, of a metric of somebody's own file.
    """

    name: str
    higher_is_better: bool
    count_user: Callable[[Array, Array], Array]
    average: Callable[[Any, Any], Any]
    chance: Callable[[np.ndarray], np.ndarray] | None = None
    ranking: RankingName = "own"
    part: Any = None

    @property
    def has_groups(self) -> bool:
        """Whether it is also told of users by the popularity of their test item."""
        return self.ranking != "targets"


def mean_over_users(
    name: str,
    value: Callable[[Array, Array], Array],
    higher_is_better: bool,
    chance: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Metric:
    """The mean over users of any value from 0 to 1.

    >>> reciprocal = fr.mean_over_users(
    ...     "mrr", lambda rank, others: 1.0 / (rank + 1.0), higher_is_better=True
    ... )
    >>> counted = reciprocal.count_user(jnp.int32(1), jnp.int32(99))
    >>> float(reciprocal.average(np.asarray(counted), 1))
    0.5

    Each user's value is rounded to a multiple of 2^-24, which float32 has for numbers
    near 1, and the sum of these is exact for up to 2^23 users. What is not from 0 to 1
    has to be scaled first: of a rank, divide it by the most that it can be, as
    ``percentile`` does (``jnp.minimum(rank, others) / jnp.maximum(others, 1)``).

    Args:
        name: the metric's field in records.
        value: takes rank and number of other items as ``Metric.count_user`` does;
            returns the user's value, float32 scalar from 0 to 1, of any rank up to the
            number of other items, be that 0, and of ``NO_RANK``.
        higher_is_better: as in ``Metric``.
        chance: as in ``Metric``.

    Raises:
        InvalidInputError: if the function does not take two arguments; when it is
            first used, if it returns no scalar, or one that is not from 0 to 1, of any
            rank in lists of 1, 2, 100 and 2,000 items.
    """
    check_arguments(value, ("rank", "num_others"))

    @functools.cache  # users are counted in many programs
    def check() -> None:
        _check_values(name, value)

    def count_user(rank: Array, num_others: Array) -> Array:
        check()
        steps = jnp.round(value(rank, num_others) * _STEPS).astype(jnp.int32)
        return jnp.stack([steps >> 16, (steps >> 8) & 255, steps & 255])

    def average(sums: Any, num_users: Any) -> Any:
        return (sums * _WEIGHTS).sum(-1) / _STEPS / num_users

    return Metric(name, higher_is_better, count_user, average, chance)


def _check_values(name: str, value: Callable[[Array, Array], Array]) -> None:
    """Tries a value at all ranks of some lists, and then at none."""
    places = [(rank, most) for most in _TRIED_OTHERS for rank in range(most + 1)]
    places += [(NO_RANK, most) for most in _TRIED_OTHERS]
    rank, others = np.array(places, np.int32).T
    with jax.ensure_compile_time_eval():  # it may be first used in a trace
        found = jax.vmap(value)(rank, others)
    if jnp.shape(found) != rank.shape:
        refuse(value, "must return one number of a rank, from 0 to 1")
    found = np.asarray(found, np.float32)
    wrong = ~((found >= -_ROUNDED) & (found <= 1 + _ROUNDED))
    if wrong.any():
        first = np.argmax(wrong)
        place = f"rank {rank[first]}"
        if rank[first] == NO_RANK:
            place = f"rank {NO_RANK} (an item without a finite score)"
        raise InvalidInputError(
            f"metrics={name}: is {found[first]:g} at {place} among {others[first]} "
            "other items; must be from 0 to 1, so scale it, as percentile does: "
            "jnp.minimum(rank, others) / jnp.maximum(others, 1)"
        )


def needed_rankings(
    ranking: RankingName, metrics: Sequence[Metric]
) -> frozenset[RankingName]:
    """The rankings that an evaluation needs.

    Args:
        ranking: the run's own, ``sampled`` or ``full``.
    """
    return frozenset({ranking, *(metric.ranking for metric in metrics)})


def in_ranking(metric: Metric, ranking: RankingName) -> Metric:
    """The same metric of another ranking, which its name then begins with.

    >>> fr.in_ranking(fr.hit_ratio(10), "full").name
    'full_hr@10'
    """
    return metric._replace(name=f"{ranking}_{metric.name}", ranking=ranking)


@functools.cache  # so that the same metric is the same part of a program
def hit_ratio(cutoff: int) -> Metric:
    """Share of users whose test item is among the first K, ``hr@K``.

    >>> fr.hit_ratio(2).count_user(jnp.int32(1), jnp.int32(99))  # second of all
    Array([1], dtype=int32)

    With one test item for each user, a user's hit is 1 where its rank, from 0, is below
    K, else 0. By chance, among c other items, it is min(1, K / (c + 1)).

    Args:
        cutoff: length K of the list.
    """

    def count_user(rank: Array, num_others: Array) -> Array:
        del num_others
        return (rank < cutoff).astype(jnp.int32)[None]

    def average(sums: Any, num_users: Any) -> Any:
        return sums[..., 0] / num_users

    def chance(num_others: np.ndarray) -> np.ndarray:
        return np.minimum(cutoff / (num_others + 1), 1)

    return Metric(f"hr@{cutoff}", True, count_user, average, chance)


@functools.cache  # so that the same metric is the same part of a program
def ndcg(cutoff: int) -> Metric:
    """Mean normalised discounted cumulative gain at K, ``ndcg@K``.

    >>> float(fr.ndcg(2).average(np.array([1, 1]), 2).round(3))  # one first, one second
    0.815

    The ideal gain of a single relevant item is 1, so that a user's nDCG is ``1 /
    log2(rank + 2)`` where the rank of its test item, from 0, is below K, else 0.
    Counted are the users at each rank below K. By chance, among c other items, it is
    the sum of the gains of the first min(K, c + 1) ranks over c + 1.

    Args:
        cutoff: length K of the list.
    """
    gains = 1 / np.log2(np.arange(cutoff) + 2)

    def count_user(rank: Array, num_others: Array) -> Array:
        del num_others
        return (rank == jnp.arange(cutoff, dtype=jnp.int32)).astype(jnp.int32)

    def average(sums: Any, num_users: Any) -> Any:
        # Added rank by rank: NumPy adds a long sum in another order than a short one.
        return (sums * gains).cumsum(-1)[..., -1] / num_users

    def chance(num_others: np.ndarray) -> np.ndarray:
        num_ranked = num_others + 1
        last = np.minimum(num_ranked, cutoff).astype(int) - 1
        return np.cumsum(gains)[last] / num_ranked

    return Metric(f"ndcg@{cutoff}", True, count_user, average, chance)


@functools.cache  # so that the same metric is the same part of a program
def percentile() -> Metric:
    """Mean over users of rank / c of the test item among c others, ``percentile``.

    >>> fr.percentile().chance(np.array([99.0]))
    array([0.5])

    So 0 is the top of every list, 1 the bottom, and 1/2 a random order; less is better.
    Unlike a hit ratio it tells how far an item is from a short list. An item without a
    finite score has 1; one that nothing is ranked beside has 0.
    """

    def value(rank: Array, num_others: Array) -> Array:
        share = rank.astype(jnp.float32) / jnp.maximum(num_others, 1)
        return jnp.where(rank == NO_RANK, 1.0, share)

    def chance(num_others: np.ndarray) -> np.ndarray:
        return np.where(num_others > 0, 0.5, 0.0)

    return mean_over_users("percentile", value, higher_is_better=False, chance=chance)


@functools.cache  # so that the same metric is the same part of a program
def exposure(cutoff: int) -> Metric:
    """Exposure ratio at K of the run's target items, ``er@K``.

    >>> fr.exposure(5).name, fr.exposure(5).higher_is_better
    ('er@5', False)

    The mean over targets of the share of users without the target who have it among
    the first K of all items that they did not train on; a user is without it where it
    is no training item of its own. So it is the targets' hit ratio in a full ranking.
    Less is better for users. A target that every user holds is left out.

    By chance a user has a target on its list with K over the number of items that it
    did not train on.

    Source: Rong et al., "FedRecAttack: model poisoning attack to federated
    recommendation", ICDE 2022, where it is called ER@K.

    Args:
        cutoff: length K of the list.
    """
    return hit_ratio(cutoff)._replace(
        name=f"er@{cutoff}", higher_is_better=False, ranking="targets"
    )

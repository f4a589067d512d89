"""What a metric is: whole numbers that add up over users, and what they come to.

A metric of one's own is a function of one file: ``mean_over_users`` makes it from the
value that it has for one user.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

RankingName = Literal["own", "sampled", "full", "within_third", "targets"]

# A user's value is counted in steps of 2^-24, in three numbers of eight bits each, so
# that int32 holds their sums over up to 2^23 users.
_STEPS = 2**24
_WEIGHTS = np.array([2.0**16, 2.0**8, 1.0])


class Metric(NamedTuple):
    """A number that says how well users are served.

    It is found in two steps: each user is counted in whole numbers, which are summed
    over users, and the sums are turned into the metric. So it is a function of the
    rankings alone, in whichever order and on however many devices users are counted.

    Attributes:
        name: its field in records, such as ``hr@10``; names of a run are distinct.
        higher_is_better: whether users are better served by more of it.
        count_user: takes the rank of one item in one user's ranking (from 0, or
            ``NO_RANK``) and the number of other items there, int32 scalars; returns
            the whole numbers that are summed over users, int32 ``[c]``.
        average: takes the sums ``[..., c]`` and the number of users ``[...]``, which
            is at least 1; returns the metric ``[...]``. Arrays are NumPy's where a
            record is made, which computes in float64, and JAX's inside a program.
        chance: takes the numbers of other items, float64 ``[n]``; returns what a
            random order of them and the item gives each user on average, ``[n]``.
            None where that is not known.
        ranking: which ranking it is of. ``own``: of the test item, among what the run
            ranks it among; ``sampled`` and ``full``: of the test item, among these
            candidates in any case; ``within_third``: of the test item, among
            candidates of its own popularity third; ``targets``: of each target, among
            all items that the user did not train on.
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

    Each user's value is rounded to a multiple of 2^-24, which float32 has for numbers
    near 1, and the sum of these is exact for up to 2^23 users.

    Args:
        name: the metric's field in records.
        value: takes rank and number of other items as ``Metric.count_user`` does;
            returns the user's value, float32 scalar from 0 to 1.
        higher_is_better: as in ``Metric``.
        chance: as in ``Metric``.
    """

    def count_user(rank: Array, num_others: Array) -> Array:
        steps = jnp.round(value(rank, num_others) * _STEPS).astype(jnp.int32)
        return jnp.stack([steps >> 16, (steps >> 8) & 255, steps & 255])

    def average(sums: Any, num_users: Any) -> Any:
        return (sums * _WEIGHTS).sum(-1) / _STEPS / num_users

    return Metric(name, higher_is_better, count_user, average, chance)


def needed_rankings(
    ranking: RankingName, metrics: Sequence[Metric]
) -> frozenset[RankingName]:
    """The rankings that an evaluation needs.

    Args:
        ranking: the run's own, ``sampled`` or ``full``.
        metrics: those that are evaluated.
    """
    return frozenset({ranking, *(metric.ranking for metric in metrics)})


def in_ranking(metric: Metric, ranking: RankingName) -> Metric:
    """The same metric of another ranking, which its name then begins with."""
    return metric._replace(name=f"{ranking}_{metric.name}", ranking=ranking)

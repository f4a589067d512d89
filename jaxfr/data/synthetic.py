"""Synthetic interactions of any size, drawn from planted factors.

Each user has a mixture over K planted factors, each item a share in each of them, and
a user draws distinct items one after the other with probabilities in proportion to

    p(j | u) = sum_k theta_uk phi_kj,   phi_kj ~ popularity_j share_jk,

the model of probabilistic latent semantic analysis (Hofmann, "Latent Semantic
Analysis for Collaborative Filtering", ACM TOIS 2004): low rank, non-negative, and
cheap to draw from, as a draw is a factor and then an item of that factor. Averaged
over users, ``p(j | u)`` is the popularity, a power law of the rank.
"""

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import numpy as np

from jaxfr.data.dataset import Dataset
from jaxfr.errors import InvalidInputError
from jaxfr.parts import part
from jaxfr.ranges import COUNT_FROM_1, LARGEST, MOST, Range

# Pairs, or entries of a dense block, that are worked on at once: tens of megabytes.
_CHUNK = 1 << 20
# A user who takes more than this share of all items weighs every item instead.
_DENSE_SHARE = 1 / 8
# Rounds of drawing again what came twice, before those left weigh every item.
_MAX_ROUNDS = 12
# Planted factors of all users and items; several arrays of as many numbers are made.
_MOST_FACTORS = 10**8

_ITEMS = Range(3, MOST, whole=True)
_SEED = Range(0, 2**128 - 1, whole=True)  # as much as NumPy's generators mix by default


@part
def synthetic(
    num_users: Annotated[int, COUNT_FROM_1] = 943,
    num_items: Annotated[int, _ITEMS] = 1682,
    num_pairs: Annotated[int, COUNT_FROM_1] = 100_000,
    popularity_exponent: Annotated[float, Range(1, LARGEST)] = 2.2,
    activity_sigma: Annotated[float, Range(0, 10)] = 1.0,
    latent_dimension: Annotated[int, COUNT_FROM_1] = 8,
    signal_strength: Annotated[float, Range(0, 20)] = 4.0,
    seed: Annotated[int, _SEED] = 0,
) -> Dataset:
    """Synthetic data of any size, by default that of MovieLens-100K.

    A user's test item is a uniform choice among its items, so that it is as well
    foreseeable as the others; training items stand in the order in which they were
    drawn. Every user has a test item and at least one training item.

    Args:
        num_users: number of users n.
        num_items: number of items m; unpopular ones may never occur.
        num_pairs: number of interactions, training and test together, exactly: 2 to
            m - 1 for each user.
        popularity_exponent: exponent b of the item-degree distribution
            ``p(x) ~ x^-b``, above 1; the r-th most popular item is then drawn in
            proportion to ``r^(-1 / (b - 1))``.
        activity_sigma: standard deviation of the logarithm of a user's activity.
        latent_dimension: number of planted factors.
        signal_strength: how sharply a user prefers the items of its factors; with 0
            every user draws from the same popularity.
        seed: decides every draw; the same options give the same data.

    Raises:
        InvalidInputError: if no data can be of this size.

    Example:
        >>> synthetic(num_users=40, num_items=300, num_pairs=600).make().num_pairs
        600
    """
    _check(num_users, num_items, num_pairs, popularity_exponent, latent_dimension)
    random = np.random.default_rng(seed)
    shape = num_users, num_items, latent_dimension
    factors = draw_factors(shape, popularity_exponent, signal_strength, random)
    activity = draw_activity(
        num_users, num_items - 1, num_pairs, activity_sigma, random
    )
    starts = np.concatenate([[0], np.cumsum(activity - 1)])
    train_items = np.empty(starts[-1], np.int32)
    test_items = np.empty(num_users, np.int32)
    for users in _chunks(activity):
        items = _draw_distinct(factors, users, activity[users], random)
        test_rows = _hold_out(activity[users], random)
        test_items[users] = items[test_rows]
        is_training = np.ones(len(items), bool)
        is_training[test_rows] = False
        train_items[starts[users[0]] : starts[users[-1] + 1]] = items[is_training]
    train_users = np.repeat(np.arange(num_users, dtype=np.int32), activity - 1)
    return Dataset(
        "synthetic", num_users, num_items, train_users, train_items, test_items
    )


def synthetic_dataset(**options: float) -> Dataset:
    """Makes synthetic data, as in ``synthetic_dataset(num_users=100)``.

    >>> synthetic_dataset(num_users=40, num_items=300, num_pairs=600).num_items
    300

    Args:
        **options: those of :func:`synthetic`; by default the size of MovieLens-100K.

    Raises:
        InvalidInputError: if a value is outside its range.
        TypeError: if there is no such option.
    """
    return synthetic(**options).make()  # type: ignore[arg-type]


def _check(users: int, items: int, pairs: int, exponent: float, dimension: int) -> None:
    """Refuses what each option by itself allows and all together do not."""
    if exponent == 1:
        raise InvalidInputError("popularity_exponent=1: must be above 1")
    if not 2 * users <= pairs <= (items - 1) * users:
        raise InvalidInputError(
            f"num_pairs={pairs}: must be {2 * users} to {(items - 1) * users} "
            "(2 to num_items - 1 for each user)"
        )
    most = _MOST_FACTORS // (users + items)
    if dimension > most:
        raise InvalidInputError(
            f"latent_dimension={dimension}: must be 1 to {most}, as there are "
            f"{users + items} users and items together"
        )


class PlantedFactors(NamedTuple):
    """The model behind the interactions."""

    cumulative_mixture: np.ndarray  # sums of theta up to each factor, float32 [n, K]
    item_probability: np.ndarray  # phi, float64 [K, m]
    cumulative_items: np.ndarray  # k plus the sums of row k of phi, ascending, [K m]


def draw_factors(
    shape: tuple[int, int, int],
    popularity_exponent: float,
    signal_strength: float,
    random: np.random.Generator,
) -> PlantedFactors:
    """Draws the planted factors, of n users, m items and K factors.

    ``signal_strength`` scales the standard normal logits of mixtures and shares; with 0
    every factor is the popularity itself.
    """
    num_users, num_items, dimension = shape
    rank = np.arange(1, num_items + 1, dtype=np.float64)
    popularity = rank ** (-1 / (popularity_exponent - 1))
    random.shuffle(popularity)
    logits = random.standard_normal((num_users, dimension), np.float32)
    mixture = _softmax(logits * signal_strength)
    logits = random.standard_normal((num_items, dimension))
    share = _softmax(logits * signal_strength)
    probability = popularity * share.T
    probability /= probability.sum(axis=1, keepdims=True)
    # A sum may come out an ulp above 1, and the rows must ascend as one.
    cumulative = np.minimum(np.cumsum(probability, axis=1), 1)
    cumulative += np.arange(dimension)[:, None]
    return PlantedFactors(
        np.cumsum(mixture, axis=1), probability, cumulative.reshape(-1)
    )


def draw_activity(
    num_users: int, most: int, num_pairs: int, sigma: float, random: np.random.Generator
) -> np.ndarray:
    """Draws how many items each user takes, int64 ``[n]``.

    Activity is log-normal with deviation ``sigma`` of the logarithm, cut to 2 and to
    ``most``, and scaled to sum to ``num_pairs``.
    """
    weight = random.lognormal(sigma=sigma, size=num_users)

    def scaled(scale: float) -> np.ndarray:
        return np.clip(np.floor(scale * weight), 2, most).astype(np.int64)

    # The sum never falls with the scale: bisect, and keep the side that is too small.
    low, high = 0.0, (most + 1) / weight.min()
    for _ in range(64):
        middle = (low + high) / 2
        if scaled(middle).sum() <= num_pairs:
            low = middle
        else:
            high = middle
    activity = scaled(low)
    while missing := num_pairs - int(activity.sum()):
        below = random.permutation(np.flatnonzero(activity < most))
        activity[below[:missing]] += 1
    return activity


def _softmax(logits: np.ndarray) -> np.ndarray:
    weight = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


def _chunks(activity: np.ndarray) -> Iterator[np.ndarray]:
    """Gives runs of users with about ``_CHUNK`` pairs each."""
    ends = np.cumsum(activity)
    start = taken = 0
    while start < len(activity):
        stop = int(np.searchsorted(ends, taken + _CHUNK, side="right"))
        stop = max(stop, start + 1)
        yield np.arange(start, stop)
        start, taken = stop, int(ends[stop - 1])


def _draw_distinct(
    factors: PlantedFactors,
    users: np.ndarray,
    activity: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Draws ``activity`` distinct items for each of a run of users, user by user.

    The distinct items of a sequence of independent draws, in their order, are drawn
    without replacement: what comes again is dropped, and more is drawn.
    """
    num_items = factors.item_probability.shape[1]
    missing = np.where(activity > _DENSE_SHARE * num_items, 0, activity)
    held = np.empty(0, np.int64)  # place of the user times num_items, plus item
    finished = []
    for _ in range(_MAX_ROUNDS):
        if not missing.any():
            break
        # Half as many again as needed, since some will be repeated.
        places = np.repeat(np.arange(len(users)), missing + (missing + 1) // 2)
        drawn = places * num_items + _draw(factors, users[places], random)
        held = _first_distinct(np.concatenate([held, drawn]), num_items, activity)
        count = np.bincount(held // num_items, minlength=len(users))
        is_full = (count == activity)[held // num_items]
        finished.append(held[is_full])
        held = held[~is_full]
        missing = np.where((count > 0) & (count < activity), activity - count, 0)
    held = np.concatenate([*finished, held])
    count = np.bincount(held // num_items, minlength=len(users))
    lacking = np.flatnonzero(count < activity)
    rows = max(1, _CHUNK // num_items)  # a block times all items has _CHUNK entries
    for start in range(0, len(lacking), rows):
        places = lacking[start : start + rows]
        held = _complete(factors, users, activity, places, held, random)
    return held[np.argsort(held // num_items, kind="stable")] % num_items


def _draw(
    factors: PlantedFactors, users: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Draws one item for each entry of ``users``, int64 ``[draws]``."""
    last = factors.item_probability.shape[1] - 1
    bound = factors.cumulative_mixture[users]
    factor = (bound[:, :-1] <= random.random((len(users), 1), np.float32)).sum(axis=1)
    position = np.searchsorted(
        factors.cumulative_items, factor + random.random(len(users)), side="right"
    )
    # Rounding can carry a position just past the items of its factor.
    return np.minimum(position - factor * (last + 1), last)


def _first_distinct(
    pairs: np.ndarray, num_items: int, activity: np.ndarray
) -> np.ndarray:
    """Keeps each user's first ``activity`` distinct pairs, user by user, in order."""
    pairs, first = np.unique(pairs, return_index=True)
    order = np.lexsort((first, pairs // num_items))
    pairs = pairs[order]
    count = np.bincount(pairs // num_items, minlength=len(activity))
    place = np.arange(len(pairs)) - np.repeat(np.cumsum(count) - count, count)
    return pairs[place < np.repeat(activity, count)]


def _complete(
    factors: PlantedFactors,
    users: np.ndarray,
    activity: np.ndarray,
    places: np.ndarray,
    held: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Draws what the users at ``places`` lack by weighing every item.

    The smallest of independent exponential times with the items' probabilities as
    rates are a draw without replacement.
    """
    num_items = factors.item_probability.shape[1]
    mixture = np.diff(factors.cumulative_mixture[users[places]], axis=1, prepend=0)
    rate = np.maximum(mixture @ factors.item_probability, 1e-290)
    time = random.standard_exponential(rate.shape) / rate
    is_mine = np.isin(held // num_items, places)
    mine = held[is_mine]
    time[np.searchsorted(places, mine // num_items), mine % num_items] = -1.0
    order = np.argsort(time, axis=1)
    is_taken = np.arange(num_items) < activity[places][:, None]
    taken = (places[:, None] * num_items + order)[is_taken]
    return np.concatenate([held[~is_mine], taken])


def _hold_out(activity: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Chooses one row of each user, whose rows stand together, int64 ``[users]``."""
    starts = np.cumsum(activity) - activity
    return starts + (random.random(len(activity)) * activity).astype(np.int64)

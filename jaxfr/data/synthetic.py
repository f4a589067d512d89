"""Synthetic interactions of any size, drawn from planted factors; see ``planted``."""

from collections.abc import Iterator

import numpy as np

from jaxfr.data.dataset import Dataset
from jaxfr.data.options import LoadOptions, SyntheticSettings
from jaxfr.data.planted import PlantedFactors, draw_activity, draw_factors

# Pairs, or entries of a dense block, that are worked on at once: tens of megabytes.
_CHUNK = 1 << 20
# A user who takes more than this share of all items weighs every item instead.
_DENSE_SHARE = 1 / 8
# Rounds of drawing again what came twice, before those left weigh every item.
_MAX_ROUNDS = 12


def load_synthetic(options: LoadOptions) -> Dataset:
    """Drawn, of any size, by default that of ml-100k: ``options.synthetic``."""
    return make_dataset(options.synthetic)


def synthetic_dataset(**settings: float) -> Dataset:
    """Makes a synthetic data set, as in ``synthetic_dataset(num_users=100)``.

    Args:
        **settings: fields of ``SyntheticSettings``; its defaults have the size of
            MovieLens-100K.

    Raises:
        InvalidInputError: if a value is outside its range.
        TypeError: if there is no such field.
    """
    return make_dataset(SyntheticSettings(**settings))  # type: ignore[arg-type]


def make_dataset(settings: SyntheticSettings) -> Dataset:
    """Draws a synthetic data set.

    A user's test item is a uniform choice among its items, so that it is as well
    foreseeable as the others; training items stand in the order in which they were
    drawn.

    Args:
        settings: its size and shape.

    Returns:
        The data set; every user has a test item and at least one training item, and
        there are exactly ``num_pairs`` pairs.
    """
    random = np.random.default_rng(settings.seed)
    factors = draw_factors(settings, random)
    activity = draw_activity(settings, random)
    starts = np.concatenate([[0], np.cumsum(activity - 1)])
    train_items = np.empty(starts[-1], np.int32)
    test_items = np.empty(settings.num_users, np.int32)
    for users in _chunks(activity):
        items = _draw_distinct(factors, users, activity[users], random)
        test_rows = _hold_out(activity[users], random)
        test_items[users] = items[test_rows]
        is_training = np.ones(len(items), bool)
        is_training[test_rows] = False
        train_items[starts[users[0]] : starts[users[-1] + 1]] = items[is_training]
    return Dataset(
        name="synthetic",
        num_users=settings.num_users,
        num_items=settings.num_items,
        train_users=np.repeat(
            np.arange(settings.num_users, dtype=np.int32), activity - 1
        ),
        train_items=train_items,
        test_items=test_items,
    )


def _chunks(activity: np.ndarray) -> Iterator[np.ndarray]:
    """Gives runs of users with about ``_CHUNK`` pairs each."""
    ends = np.cumsum(activity)
    start = 0
    while start < len(activity):
        taken = ends[start - 1] if start else 0
        stop = int(np.searchsorted(ends, taken + _CHUNK, side="right"))
        stop = max(stop, start + 1)
        yield np.arange(start, stop)
        start = stop


def _draw_distinct(
    factors: PlantedFactors,
    users: np.ndarray,
    activity: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Draws distinct items for a run of users.

    The distinct items of a sequence of independent draws, in their order, are drawn
    without replacement: what comes again is dropped, and more is drawn.

    Args:
        factors: the model.
        users: the users, ``[users]``.
        activity: number of items of each, ``[users]``.
        random: the generator.

    Returns:
        Items, user by user, int64 ``[sum of activity]``.
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
    for places in _blocks(np.flatnonzero(count < activity), num_items):
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


def _blocks(places: np.ndarray, num_items: int) -> list[np.ndarray]:
    """Splits users so that a block times all items has about ``_CHUNK`` entries."""
    rows = max(1, _CHUNK // num_items)
    return [places[start : start + rows] for start in range(0, len(places), rows)]


def _hold_out(activity: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Chooses one row of each user, whose rows stand together, int64 ``[users]``."""
    starts = np.cumsum(activity) - activity
    return starts + (random.random(len(activity)) * activity).astype(np.int64)

"""FedMF's loss and its derivative once more, from the definition, in float64."""

from collections.abc import Iterable

import numpy as np

Pairs = Iterable[tuple[int, int]]


def loss(
    user: np.ndarray, items: np.ndarray, pairs: Pairs, regularization: float
) -> float:
    """Of one client's pairs (positive, negative), summed."""
    pairs = list(pairs)
    margins = [user @ items[j] - user @ items[k] for j, k in pairs]
    squares = sum(np.sum(items[item] ** 2) for item in {i for p in pairs for i in p})
    ranking = -sum(np.log(1 / (1 + np.exp(-margin))) for margin in margins)
    return ranking + regularization / 2 * (np.sum(user**2) + squares)


def gradient(
    user: np.ndarray, items: np.ndarray, pairs: Pairs, regularization: float
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Its derivative, by the client's embedding and by each of its items."""
    user, items = user.astype(np.float64), items.astype(np.float64)
    pairs = [(int(j), int(k)) for j, k in pairs]
    by_user = regularization * user
    by_item = {item: regularization * items[item] for pair in pairs for item in pair}
    for j, k in pairs:
        slope = -1.0 / (1.0 + np.exp(user @ items[j] - user @ items[k]))
        by_user = by_user + slope * (items[j] - items[k])
        by_item[j] = by_item[j] + slope * user
        by_item[k] = by_item[k] - slope * user
    return by_user, by_item

"""The model behind synthetic data: popularity, activity and planted factors.

Each user has a mixture over K planted factors, each item a share in each of them, and
a user draws distinct items one after the other with probabilities in proportion to

    p(j | u) = sum_k theta_uk phi_kj,   phi_kj ~ popularity_j share_jk,

the model of probabilistic latent semantic analysis (Hofmann, "Latent Semantic
Analysis for Collaborative Filtering", ACM TOIS 2004): low rank, non-negative, and
cheap to draw from, as a draw is a factor and then an item of that factor. Averaged
over users, ``p(j | u)`` is the popularity, a power law of the rank.
"""

from typing import NamedTuple

import numpy as np

from jaxfr.data.options import SyntheticSettings


class PlantedFactors(NamedTuple):
    """The model behind the interactions.

    Attributes:
        cumulative_mixture: sums of theta over the factors up to each, float32
            ``[n, K]``.
        item_probability: phi, rows sum to 1, float64 ``[K, m]``.
        cumulative_items: ``k`` plus the sums of row k of phi, all rows one after
            the other, float64 ``[K m]``; ascending.
    """

    cumulative_mixture: np.ndarray
    item_probability: np.ndarray
    cumulative_items: np.ndarray


def draw_factors(
    settings: SyntheticSettings, random: np.random.Generator
) -> PlantedFactors:
    """Draws the planted factors.

    Args:
        settings: ``signal_strength`` scales the standard normal logits of mixtures
            and shares; with 0 every factor is the popularity itself.
        random: the generator.
    """
    rank = np.arange(1, settings.num_items + 1, dtype=np.float64)
    popularity = rank ** (-1 / (settings.popularity_exponent - 1))
    random.shuffle(popularity)
    shape = (settings.num_users, settings.latent_dimension)
    mixture = _softmax(
        random.standard_normal(shape, np.float32) * settings.signal_strength
    )
    shape = (settings.num_items, settings.latent_dimension)
    share = _softmax(random.standard_normal(shape) * settings.signal_strength)
    probability = popularity * share.T
    probability /= probability.sum(axis=1, keepdims=True)
    # A sum may come out an ulp above 1, and the rows must ascend as one.
    cumulative = np.minimum(np.cumsum(probability, axis=1), 1)
    cumulative += np.arange(settings.latent_dimension)[:, None]
    return PlantedFactors(
        np.cumsum(mixture, axis=1), probability, cumulative.reshape(-1)
    )


def draw_activity(
    settings: SyntheticSettings, random: np.random.Generator
) -> np.ndarray:
    """Draws how many items each user takes.

    Args:
        settings: activity is log-normal with ``activity_sigma``, cut to 2 and to one
            less than the number of items, and scaled to sum to ``num_pairs``.
        random: the generator.

    Returns:
        Numbers of items, int64 ``[n]``.
    """
    weight = random.lognormal(sigma=settings.activity_sigma, size=settings.num_users)
    most = settings.max_activity

    def scaled(scale: float) -> np.ndarray:
        return np.clip(np.floor(scale * weight), 2, most).astype(np.int64)

    # The sum never falls with the scale: bisect, and keep the side that is too small.
    low, high = 0.0, (most + 1) / weight.min()
    for _ in range(64):
        middle = (low + high) / 2
        if scaled(middle).sum() <= settings.num_pairs:
            low = middle
        else:
            high = middle
    activity = scaled(low)
    while missing := settings.num_pairs - int(activity.sum()):
        below = random.permutation(np.flatnonzero(activity < most))
        activity[below[:missing]] += 1
    return activity


def _softmax(logits: np.ndarray) -> np.ndarray:
    weight = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)

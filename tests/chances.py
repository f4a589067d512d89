"""Whether draws have the chances that they should have."""

import itertools

import numpy as np
import pytest


def assert_chances(found: np.ndarray, chances: np.ndarray) -> None:
    """A chi-square test of counts against their chances, at four deviations."""
    assert chances.sum() == pytest.approx(1)
    expected = found.sum() * chances
    chi_square = np.sum((found - expected) ** 2 / expected)
    freedom = chances.size - 1
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom)


def assert_drawn_by_popularity(chosen: np.ndarray, weights: np.ndarray) -> None:
    """Rows ``[draws, m]`` of equally many items, drawn one by one without replacement.

    Each in proportion to its weight among those that are left.
    """
    (size,) = np.unique(chosen.sum(axis=1))
    chances: dict[frozenset[int], float] = {}
    for order in itertools.permutations(np.flatnonzero(weights).tolist(), int(size)):
        chance, left = 1.0, float(weights.sum())
        for item in order:
            chance *= weights[item] / left
            left -= weights[item]
        chances[frozenset(order)] = chances.get(frozenset(order), 0.0) + chance
    found = dict.fromkeys(chances, 0)
    for row in chosen:
        found[frozenset(np.flatnonzero(row).tolist())] += 1
    assert_chances(np.array(list(found.values())), np.array(list(chances.values())))

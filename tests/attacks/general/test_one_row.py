"""Attacks that send one row to each item: their formulas, in NumPy."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import ipm, min_max, min_sum, sign_flip, ua_mean
from jaxfr.parts import Part
from jaxfr.uploads import uploads_of
from tests.attacks.scopes import EVERYONE, SOME, benign_uploads, moments
from tests.attacks.sending import send_one_row
from tests.uploads.samples import received_rows
from tests.uploads.test_distances import largest_distance, walked_distance, with_rows

Formula = Callable[[np.ndarray], np.ndarray]


def opposite(strength: float) -> Formula:
    return lambda rows: -strength * rows.mean(axis=0)


def against_the_sign(deviations: float) -> Formula:
    def row(rows: np.ndarray) -> np.ndarray:
        mean, deviation = moments(rows)
        return mean - deviations * np.sign(mean) * deviation

    return row


def sum_of_squares(rows: np.ndarray, point: np.ndarray) -> float:
    return float(np.sum((rows - point) ** 2))


def largest_factor(
    rows: np.ndarray, perturbation: str, allowed: Callable[[np.ndarray], bool]
) -> np.ndarray:
    """``mu + gamma p`` with gamma halved in, as the paper does."""
    mean, deviation = moments(rows)
    towards = {"std": -deviation, "unit": -mean, "sign": -np.sign(mean)}[perturbation]
    if np.linalg.norm(deviation) == 0:
        return mean
    low, high = 0.0, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        if allowed(mean + middle * towards):
            low = middle
        else:
            high = middle
    return mean + low * towards


def farther_than_no_two(perturbation: str) -> Formula:
    def row(rows: np.ndarray) -> np.ndarray:
        distance = walked_distance(rows)

        def allowed(point: np.ndarray) -> bool:
            return np.linalg.norm(rows - point, axis=1).max() <= distance

        return largest_factor(rows, perturbation, allowed)

    return row


def no_larger_sum(perturbation: str) -> Formula:
    def row(rows: np.ndarray) -> np.ndarray:
        largest = max(sum_of_squares(rows, one) for one in rows)
        return largest_factor(
            rows, perturbation, lambda point: sum_of_squares(rows, point) <= largest
        )

    return row


@pytest.mark.parametrize(
    ("attack", "formula"),
    [
        (sign_flip(), opposite(1.0)),
        (ipm(), opposite(0.5)),
        (ipm(2.0), opposite(2.0)),
        (ua_mean(), against_the_sign(3.0)),
        (ua_mean(1.5), against_the_sign(1.5)),
        *((min_max(p), farther_than_no_two(p)) for p in ("std", "unit", "sign")),
        *((min_sum(p), no_larger_sum(p)) for p in ("std", "unit", "sign")),
    ],
    ids=lambda value: str(value) if isinstance(value, Part) else "",
)
def test_all_send_the_formula_s_row_to_items_that_benign_clients_sent_rows(
    attack, formula
):
    for seed, acting in enumerate((EVERYONE, SOME)):
        benign = benign_uploads(seed)
        sent = send_one_row(attack, benign, acting)
        assert sent.participants == acting.sum()
        for item, rows in enumerate(received_rows(benign)):
            assert sent.weight[item] == (acting.sum() if len(rows) else 0)
            if len(rows):
                expected = formula(rows)
                np.testing.assert_allclose(
                    sent.rows[item], expected, rtol=2e-3, atol=2e-3
                )


@pytest.mark.parametrize("attack", [min_max(), min_sum(), ua_mean()], ids=str)
def test_where_all_rows_are_one_that_is_what_they_send(attack):
    one = np.array([[[1.0, -2.0, 3.0]] * 4], np.float32)
    np.testing.assert_allclose(
        send_one_row(attack, uploads_of(one)).rows, one[:, 0], rtol=1e-6
    )


@pytest.mark.parametrize("perturbation", ["std", "unit", "sign"])
def test_min_max_is_no_farther_from_any_row_than_two_rows_are(perturbation):
    for seed in range(5):
        benign = with_rows(seed, 7)
        sent = send_one_row(min_max(perturbation), benign)
        (rows,) = received_rows(benign)
        farthest_from_it = np.linalg.norm(rows - sent.rows, axis=1).max()
        assert farthest_from_it <= largest_distance(rows) * (1 + 1e-4)


def test_nothing_sent_at_all_makes_no_nan():
    benign = benign_uploads(4)
    nothing = benign._replace(
        weight=jnp.zeros_like(benign.weight), tables=(), participants=jnp.int32(0)
    )
    for attack in (sign_flip(), ua_mean(), min_max(), min_sum()):
        np.testing.assert_array_equal(send_one_row(attack, nothing).rows, 0)

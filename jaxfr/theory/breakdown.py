"""Propositions 1 and 2: how many malicious clients an item withstands.

Symbols: an item receives k benign rows and n~ malicious ones (``malicious_clients``);
alpha, 0 to 1, is the aggregator's ``breakdown_point``, the share of malicious rows from
which on nothing holds it (1/2 for the median; 0 stands for the mean, which one row
breaks). A power law has the ``exponent`` beta > 1 and the ``minimum_degree`` x_min > 0.
Numbers outside their range are refused with an ``InvalidInputError``.

Source: Zhang et al., "Rethinking Byzantine Robustness in Federated Recommendation from
Sparse Aggregation Perspective", AAAI 2025 (arXiv 2501.03301).
"""

import math

import chex
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxfr.errors import InvalidInputError
from jaxfr.theory.power_law import hurwitz_zeta


def cancelling_upload(benign_rows: Array, target: ArrayLike = 0.0) -> Array:
    """Returns the one row with which the mean becomes the target (Proposition 1).

    ``(k + 1) target - sum of the benign rows``: added to the k benign rows, it makes
    the mean of all k + 1 equal the target, whatever k is.

    Args:
        benign_rows: one item's benign uploads, float ``[k, d]``.
        target: the aggregate that the attacker wants, float ``[d]`` or scalar.

    Returns:
        The malicious row, float ``[d]``.
    """
    chex.assert_rank(benign_rows, 2)
    num_rows = benign_rows.shape[0] + 1
    return num_rows * jnp.asarray(target) - jnp.sum(benign_rows, axis=0)


def breakdown_degree(malicious_clients: float, breakdown_point: float) -> float:
    """Returns the largest degree that falls, ``n~ (1 - alpha) / alpha``.

    Infinite for alpha 0; 0 without malicious clients.
    """
    _check(malicious_clients, breakdown_point)
    if malicious_clients == 0:
        return 0.0
    if breakdown_point == 0:
        return math.inf
    return malicious_clients * (1 - breakdown_point) / breakdown_point


def item_falls(
    degree: np.ndarray, malicious_clients: np.ndarray | int, breakdown_point: float
) -> np.ndarray:
    """Says which items the aggregator can no longer hold, ``n~ / (k + n~) >= alpha``.

    On the host, in float64: there the ratio that meets alpha exactly compares equal.

    Args:
        degree: benign rows of each item, k; int, any shape. The paper counts
            interactions; a simulated item also gets the rows of those clients that
            drew it as a negative, and it is these rows that decide.
        malicious_clients: malicious rows of each item, n~; broadcasts with ``degree``.
        breakdown_point: alpha.

    Returns:
        bool, of the broadcast shape; never True where n~ is 0.
    """
    malicious = np.asarray(malicious_clients, np.float64)
    _check(malicious.min(initial=0), breakdown_point)
    rows = np.maximum(np.asarray(degree) + malicious, 1)
    return (malicious > 0) & (malicious / rows >= breakdown_point)


def broken_share_counted(
    degrees: np.ndarray, malicious_clients: np.ndarray | int, breakdown_point: float
) -> float:
    """Counts the share of items that fall, 0 to 1; arguments as ``item_falls``."""
    return float(np.mean(item_falls(degrees, malicious_clients, breakdown_point)))


def broken_share_power_law(
    exponent: float,
    minimum_degree: float,
    malicious_clients: float,
    breakdown_point: float,
    tail_share: float = 1.0,
) -> float:
    """The paper's closed form of the share of items that fall (Proposition 2).

    The distribution function of the continuous power law at the breakdown degree x,
    ``1 - C / (beta - 1) x^(1 - beta) = 1 - (x / x_min)^(1 - beta)``, where
    ``C = (beta - 1) x_min^(beta - 1)``.

    Args:
        exponent: beta.
        minimum_degree: x_min.
        malicious_clients: malicious rows that every item receives, n~.
        breakdown_point: alpha.
        tail_share: share of the items that the law describes. 1 is the paper's, and
            gives the share among items of degree x_min or more. A fit with an x_min
            above some degrees holds for ``num_tail_items / num_items`` of the items;
            given that, those below x_min count as fallen, and the result is the
            share among all items.

    Returns:
        Share, 0 to 1; 0 for x below x_min, where the law says nothing.
    """
    _check_law(exponent, minimum_degree, tail_share)
    degree = breakdown_degree(malicious_clients, breakdown_point)
    if degree < minimum_degree:
        return 0.0
    return 1 - tail_share * (degree / minimum_degree) ** (1 - exponent)


def broken_share_discrete_power_law(
    exponent: float,
    minimum_degree: int,
    malicious_clients: float,
    breakdown_point: float,
    tail_share: float = 1.0,
) -> float:
    """The same share under the discrete law, which is the one that is fitted.

    Not in the paper. With zeta the Hurwitz zeta function,
    ``1 - zeta(beta, floor(x) + 1) / zeta(beta, x_min)``. Unlike the closed form it is
    positive already at x = x_min, as degrees are integers.

    Arguments and outcome as there; x_min is at least 1.
    """
    _check_law(exponent, minimum_degree, tail_share)
    # A product that should be whole may come out a rounding error short of it.
    degree = breakdown_degree(malicious_clients, breakdown_point) * (1 + 1e-12)
    if degree < minimum_degree:
        return 0.0
    if math.isinf(degree):
        return 1.0
    above = hurwitz_zeta(exponent, math.floor(degree) + 1)
    return float(1 - tail_share * above / hurwitz_zeta(exponent, minimum_degree))


def broken_items(
    aggregate: Array,
    benign_lower: Array,
    benign_upper: Array,
    received: Array,
    tolerance: ArrayLike = 0.0,
) -> Array:
    """Says which items a simulated round really broke.

    Item j is broken if it received a row and, in some coordinate c, its aggregate lies
    outside the range of its benign rows: ``a_jc < min_i g_ijc - tolerance`` or
    ``a_jc > max_i g_ijc + tolerance``, or is not finite.

    Why this measures breakdown: below its breakdown point an aggregator stays within a
    bound that the benign rows set, whatever the malicious rows are; for the median,
    and the trimmed mean that drops ``n~`` values at each end, the bound is the box
    that the benign rows span. No weighting of benign rows gives a value outside: there
    the malicious rows decide, and take the value as far as no clip forbids. (The
    trimmed mean that drops the values farthest from the median may leave the box by
    up to its width while it holds; ``tolerance`` can allow for that.)

    The converse does not hold. An attacker may prefer a value inside the box, as
    Spattack-O does with zero, so the share of broken items tells of breakdown only
    under rows that lie outside, such as the noise of Spattack-L.

    Args:
        aggregate: float ``[m, d]``.
        benign_lower: minimum of each item's benign rows, +inf for an item without,
            which is so broken by any row it receives; float ``[m, d]``.
        benign_upper: maximum of each item's benign rows, -inf for an item without;
            float ``[m, d]``.
        received: which items received any row; the others stay as they are and are
            not broken; bool ``[m]``.
        tolerance: distance from the box to allow, at least the rounding error, in
            units of the aggregate; float, broadcasts to ``[m, d]``.

    Returns:
        bool ``[m]``.
    """
    chex.assert_rank([aggregate, received], [2, 1])
    chex.assert_equal_shape([aggregate, benign_lower, benign_upper])
    inside = (aggregate >= benign_lower - tolerance) & (
        aggregate <= benign_upper + tolerance
    )
    held = jnp.all(inside & jnp.isfinite(aggregate), axis=1)
    return received & ~held


def _check(malicious_clients: float, breakdown_point: float) -> None:
    if not 0 <= breakdown_point <= 1:
        raise InvalidInputError(
            f"breakdown point is {breakdown_point}; it must be between 0 and 1"
        )
    if malicious_clients < 0:
        raise InvalidInputError(
            f"malicious clients are {malicious_clients}; there must be 0 or more"
        )


def _check_law(exponent: float, minimum_degree: float, tail_share: float) -> None:
    if not exponent > 1 or not minimum_degree > 0 or not 0 <= tail_share <= 1:
        raise InvalidInputError(
            f"power law with exponent {exponent}, minimum {minimum_degree} and tail "
            f"share {tail_share}; needs exponent > 1, minimum > 0, share 0 to 1"
        )

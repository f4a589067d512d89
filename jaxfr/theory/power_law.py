"""A discrete power law, fitted to item degrees by maximum likelihood."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxfr.errors import InvalidInputError

# Exponents that the fit considers; the law has no normalisation at 1 and below.
EXPONENT_RANGE = (1.0001, 20.0)

# Clauset et al. advise against fits to fewer observations.
MINIMUM_TAIL = 50

# Euler-Maclaurin: terms summed before the remainder, and the remainder's coefficients
# B_2k / (2k)!, k = 1 to 8.
_DIRECT_TERMS = 12
_BERNOULLI = (1/6, -1/30, 1/42, -1/30, 5/66, -691/2730, 7/6, -3617/510)  # fmt: skip
_GOLDEN = (math.sqrt(5) - 1) / 2


class PowerLawFit(NamedTuple):
    """The law ``p(x) = x^-exponent / zeta(exponent, minimum_degree)`` above a minimum.

    Attributes:
        exponent: the scaling parameter, beta in the paper.
        minimum_degree: x_min, the smallest degree that the law describes.
        ks_distance: largest distance between its and the data's distribution function
            from x_min on.
        num_tail_items: items of degree x_min or more, which were fitted.
        standard_error: of the exponent, asymptotic, for the x_min given.
    """

    exponent: float
    minimum_degree: int
    ks_distance: float
    num_tail_items: int
    standard_error: float


def hurwitz_zeta(exponent: ArrayLike, start: ArrayLike) -> np.ndarray:
    """Sums ``(start + i)^-exponent`` over i = 0, 1, 2, ...: Hurwitz's zeta function.

    Euler and Maclaurin's formula, 12 terms and 8 corrections; the relative error is
    below 1e-12 for exponents up to 20.

    Args:
        exponent: greater than 1, float, any shape.
        start: at least 1, float, of a shape that broadcasts with ``exponent``.

    Returns:
        float64, of the broadcast shape.
    """
    s, q = np.asarray(exponent, np.float64), np.asarray(start, np.float64)
    direct = sum((q + i) ** -s for i in range(_DIRECT_TERMS))
    rest = q + _DIRECT_TERMS
    power = rest**-s
    total = direct + power * (rest / (s - 1) + 0.5)
    # Correction k: B_2k / (2k)! * s (s + 1) ... (s + 2k - 2) * rest^(1 - s - 2k).
    factor = s * power / rest / 2
    for k, bernoulli in enumerate(_BERNOULLI, start=1):
        total = total + bernoulli * factor
        step = (s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2))
        factor = factor * step / rest**2
    return np.asarray(total)


def fit_power_law(
    degrees: np.ndarray, minimum_degree: int | None = None
) -> PowerLawFit:
    """Fits exponent and minimum of a discrete power law to item degrees.

    For each candidate x_min, the exponent maximises the likelihood of the n degrees
    from x_min on, that is, minimises ``n ln zeta(beta, x_min) + beta sum ln x``; of
    the candidates, the one with the smallest Kolmogorov-Smirnov distance is taken.
    Candidates are the degrees that occur and that ``MINIMUM_TAIL`` items reach.

    Clauset, Shalizi and Newman, "Power-law distributions in empirical data", SIAM
    Review 2009, sections 3.1 to 3.3 and appendix B.

    Args:
        degrees: interactions of each item, int ``[m]``; items without any are left
            out, as a power law gives them no probability.
        minimum_degree: x_min where it is given, not fitted.

    Returns:
        The fit.

    Raises:
        InvalidInputError: if fewer than ``MINIMUM_TAIL`` items reach the minimum, or
            all that do have the same degree.
    """
    values, counts = np.unique(degrees[degrees > 0], return_counts=True)
    tail_counts = np.cumsum(counts[::-1])[::-1]
    if minimum_degree is None:
        # From the largest value alone no exponent can be told.
        is_candidate = (tail_counts >= MINIMUM_TAIL) & (values < values.max(initial=0))
        first = np.flatnonzero(is_candidate)
        minima = values[first]
    else:
        first = np.searchsorted(values, [max(minimum_degree, 1)])
        minima = np.array([max(minimum_degree, 1)])
        first = first[first < len(values) - 1]
        first = first[tail_counts[first] >= MINIMUM_TAIL]
    if first.size == 0:
        raise InvalidInputError(
            f"a power law needs at least {MINIMUM_TAIL} items, not all of one degree, "
            "to be fitted to"
        )
    log_sums = np.cumsum((counts * np.log(values))[::-1])[::-1]
    exponents = _maximum_likelihood(minima, log_sums[first] / tail_counts[first])
    distances = [
        _ks_distance(beta, minimum, values[i:], counts[i:])
        for beta, minimum, i in zip(exponents, minima, first, strict=True)
    ]
    best = int(np.argmin(distances))
    num_tail_items = int(tail_counts[first[best]])
    return PowerLawFit(
        exponent=float(exponents[best]),
        minimum_degree=int(minima[best]),
        ks_distance=float(distances[best]),
        num_tail_items=num_tail_items,
        standard_error=_standard_error(exponents[best], minima[best], num_tail_items),
    )


def _maximum_likelihood(minima: np.ndarray, mean_log: np.ndarray) -> np.ndarray:
    """Golden-section search for all candidates at once; the objective is convex."""

    def cost(beta: np.ndarray) -> np.ndarray:
        # Relative to x_min, so that large minima do not underflow.
        scaled = hurwitz_zeta(beta, minima) * minima**beta
        return np.log(scaled) + beta * (mean_log - np.log(minima))

    low, high = (np.full(len(minima), bound) for bound in EXPONENT_RANGE)
    while np.max(high - low) > 1e-9:
        inner_low = high - _GOLDEN * (high - low)
        inner_high = low + _GOLDEN * (high - low)
        go_low = cost(inner_low) < cost(inner_high)
        low = np.where(go_low, low, inner_low)
        high = np.where(go_low, inner_high, high)
    return (low + high) / 2


def _ks_distance(
    beta: float, minimum: int, values: np.ndarray, counts: np.ndarray
) -> float:
    """Largest gap between the two distribution functions, over all integers."""
    below = hurwitz_zeta(beta, values)
    scale = hurwitz_zeta(beta, minimum)
    # At a value itself, and at the integer before it, where the gap peaks between.
    model = 1 - (below - values ** -float(beta)) / scale
    model_before = 1 - below / scale
    data = np.cumsum(counts) / counts.sum()
    data_before = data - counts / counts.sum()
    return max(np.abs(data - model).max(), np.abs(data_before - model_before).max())


def _standard_error(beta: float, minimum: int, num_items: int) -> float:
    """One over the root of the Fisher information, ``n (ln zeta)''``."""
    step = 1e-3 * (beta - 1)
    points = beta + step * np.array([-1, 0, 1])
    lower, middle, upper = np.log(hurwitz_zeta(points, minimum))
    return float(step / math.sqrt(num_items * (lower - 2 * middle + upper)))

"""What the paper proves of sparse aggregation, as functions to test against."""

from jaxfr.theory.breakdown import (
    breakdown_degree,
    broken_items,
    broken_share_counted,
    broken_share_discrete_power_law,
    broken_share_power_law,
)
from jaxfr.theory.power_law import PowerLawFit, fit_power_law, hurwitz_zeta

__all__ = [
    "PowerLawFit",
    "breakdown_degree",
    "broken_items",
    "broken_share_counted",
    "broken_share_discrete_power_law",
    "broken_share_power_law",
    "fit_power_law",
    "hurwitz_zeta",
]

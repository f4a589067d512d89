"""Figures 1 and 2: sparse against dense aggregation, and which items fall."""

from experiments.studies.figure1_2.study import (
    COMPARED,
    MALICIOUS_RATIO,
    NAME,
    TRAINED_ROUNDS,
    study,
)

__all__ = ["COMPARED", "MALICIOUS_RATIO", "NAME", "TRAINED_ROUNDS", "study"]

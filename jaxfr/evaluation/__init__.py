"""Where each benign user's test item ranks, and what that says of the recommender."""

from jaxfr.evaluation.names import metric_names

__all__ = ["metric_names"]

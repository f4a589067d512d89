"""The settings that the paper leaves to its appendix."""

from experiments.studies.hyperparameters.study import NAME, study

__all__ = ["NAME", "study"]

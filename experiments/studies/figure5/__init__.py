"""Figure 5: attacks that start later."""

from experiments.studies.figure5.study import EVAL_EVERY, NAME, STARTS, study

__all__ = ["EVAL_EVERY", "NAME", "STARTS", "study"]

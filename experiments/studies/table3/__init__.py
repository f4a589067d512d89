"""Table 3: Spattack and baseline attacks without any defense."""

from experiments.studies.table3.study import NAME, study

__all__ = ["NAME", "study"]

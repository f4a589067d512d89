"""Figure 3: Spattack against defenses, by the share of malicious clients."""

from experiments.studies.figure3.study import NAME, study

__all__ = ["NAME", "study"]

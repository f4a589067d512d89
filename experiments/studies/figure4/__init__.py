"""Figure 4: Spattack on FedGNN, beside FedMF."""

from experiments.studies.figure4.study import NAME, study

__all__ = ["NAME", "study"]

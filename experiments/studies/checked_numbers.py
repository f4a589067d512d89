"""What the paper's figures show without printing it, as an earlier simulation gave it.

The figures have no numbers. These were simulated before this project began, as a check
of it: FedMF to two places, FedGNN (one seed) to three.
"""

from collections.abc import Mapping
from typing import NamedTuple


class DefenseKey(NamedTuple):
    """A point of Figure 3."""

    dataset: str
    aggregator: str
    attack: str
    malicious_ratio: float


class ModelKey(NamedTuple):
    """A bar of Figure 4."""

    dataset: str
    model: str
    aggregator: str
    attack: str


class StartKey(NamedTuple):
    """The end of a curve of Figure 5."""

    dataset: str
    attack: str
    attack_start: int


# HR@10.
DEFENSES: Mapping[DefenseKey, float] = {
    DefenseKey("ml-100k", "median", "spattack_o_d", 0.01): 0.38,
    DefenseKey("ml-100k", "median", "spattack_o_d", 0.05): 0.09,
    DefenseKey("ml-100k", "median", "spattack_l_d", 0.05): 0.36,
    DefenseKey("ml-100k", "median", "spattack_l_d", 0.10): 0.03,
    DefenseKey("ml-100k", "norm", "spattack_o_d", 0.05): 0.10,
    DefenseKey("ml-100k", "norm", "spattack_l_d", 0.10): 0.29,
}

# HR@5 and HR@10.
MODELS: Mapping[ModelKey, tuple[float, float]] = {
    ModelKey("ml-100k", "fedgnn", "mean", "none"): (0.309, 0.469),
    ModelKey("ml-100k", "fedgnn", "mean", "spattack_o_d"): (0.045, 0.093),
    ModelKey("ml-100k", "fedgnn", "mean", "spattack_l_d"): (0.030, 0.071),
    ModelKey("steam", "fedgnn", "mean", "none"): (0.601, 0.715),
}

# HR@10.
STARTS: Mapping[StartKey, float] = {
    StartKey("steam", "spattack_o_d", 60): 0.29,
    StartKey("steam", "spattack_l_d", 60): 0.05,
}

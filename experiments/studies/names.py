"""What tables and pictures call data sets, attacks, aggregators and models."""

from jaxfr.attacks import CLEAN
from jaxfr.data.datasets import dataset_name

_DATASETS = {"ml-100k": "ML-100K", "ml-1m": "ML-1M", "steam": "Steam"}
_PARTS = {
    CLEAN: "Clean",
    "label_flip": "LabelFlip",
    "fed_attack": "FedAttack",
    "gaussian": "Gaussian",
    "lie": "LIE",
    "cluster": "Cluster",
    "fang": "Fang",
    "spattack_l_s": "Spattack-L-S",
    "spattack_l_d": "Spattack-L-D",
    "spattack_o_s": "Spattack-O-S",
    "spattack_o_d": "Spattack-O-D",
    "mean": "Mean",
    "median": "Median",
    "trimmed_mean": "TrimM",
    "classic_trimmed_mean": "TrimM (classic)",
    "krum": "Krum",
    "norm": "Norm",
    "multi_krum": "Multi-Krum",
    "shrink": "Shrunk mean",
    "geometric_median": "Geometric median",
    "centred_clipping": "Centred clipping",
    "fedmf": "FedMF",
    "fedgnn": "FedGNN",
    "mlp": "MLP",
}


def dataset_title(name: str) -> str:
    """The paper's name of a data set; of another one its own, without folders."""
    return _DATASETS.get(name) or dataset_name(name)


def part_title(name: str) -> str:
    """The paper's name of an attack, an aggregator or a model, or else its own."""
    return _PARTS.get(name, name)

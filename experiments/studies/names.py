"""What tables and pictures call data sets, attacks, aggregators and metrics."""

from collections.abc import Mapping

from jaxfr.attacks import CLEAN
from jaxfr.records.record import dataset_name

_DATASETS: Mapping[str, str] = {
    "ml-100k": "ML-100K",
    "ml-1m": "ML-1M",
    "steam": "Steam",
}
_ATTACKS: Mapping[str, str] = {
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
}
_AGGREGATORS: Mapping[str, str] = {
    "mean": "Mean",
    "median": "Median",
    "trimmed_mean": "TrimM",
    "classic_trimmed_mean": "TrimM (classic)",
    "krum": "Krum",
    "norm": "Norm",
}
_MODELS: Mapping[str, str] = {"fedmf": "FedMF", "fedgnn": "FedGNN", "mlp": "MLP"}


def dataset_title(name: str) -> str:
    """The paper's name of a data set; of another one its own, without folders."""
    return _DATASETS.get(name) or dataset_name(name)


def attack_title(name: str) -> str:
    """The paper's name of an attack; of another one its own."""
    return _ATTACKS.get(name, name)


def aggregator_title(name: str) -> str:
    """The paper's name of an aggregator; of another one its own."""
    return _AGGREGATORS.get(name, name)


def model_title(name: str) -> str:
    """The paper's name of a recommender; of another one its own."""
    return _MODELS.get(name, name)

"""What pictures and tables call attacks, aggregators, stages, models and data sets."""

import re

from jaxfr.attacks import CLEAN
from jaxfr.data.datasets import dataset_name
from jaxfr.records.selection import Scalar, as_text
from jaxfr.terminal import printable
from jaxfr.texts import split_chain

_DATASETS = {"ml-100k": "ML-100K", "ml-1m": "ML-1M", "steam": "Steam"}

ATTACK_TITLES = {
    "spattack_o_d": "Spattack-O-D",
    "spattack_l_d": "Spattack-L-D",
    "spattack_o_s": "Spattack-O-S",
    "spattack_l_s": "Spattack-L-S",
    "lie": "LIE",
    "fang": "Fang",
    "cluster": "Cluster",
    "fed_attack": "FedAttack",
    "label_flip": "LabelFlip",
    "gaussian": "Gaussian",
    "a_hum": "A-hum",
    "a_ra": "A-ra",
    "pieck_ipe": "PIECK-IPE",
    "pieck_uea": "PIECK-UEA",
    "fed_rec_attack": "FedRecAttack",
    "pip_attack": "PipAttack",
    "poison_frs": "PoisonFRS",
    "psmu": "PSMU",
    "eb": "EB",
    "frec_attack2": "FRecAttack2",
    "ua_mean": "UA-FedRec",
    "min_max": "Min-Max",
    "min_sum": "Min-Sum",
    "ipm": "IPM",
    "byz_mean": "ByzMean",
    "poisoned_fl": "PoisonedFL",
    "fang_full_knowledge": "Fang (full knowledge)",
    "optimal_ipm": "Optimal IPM",
    "optimal_alie": "Optimal ALIE",
    "sign_guard_aware": "SignGuard-aware",
}
"""Attacks by the names that their papers give them; those of Spattack's Table 3 first.

Their order decides their colours, as that of rules (``looks``)."""

RULE_TITLES = {
    "mean": "Mean",
    "median": "Median",
    "trimmed_mean": "TrimM",
    "krum": "Krum",
    "norm": "Norm",
    "multi_krum": "Multi-Krum",
    "geometric_median": "Geometric median",
    "centred_clipping": "Centred clipping",
    "classic_trimmed_mean": "TrimM (classic)",
    "shrink": "Shrunk mean",
}

_TITLES = {
    CLEAN: "Clean",
    **ATTACK_TITLES,
    **RULE_TITLES,
    "dnc": "DnC",
    "caf": "CAF",
    "arc": "ARC",
    "flame": "FLAME",
    "fools_gold": "FoolsGold",
    "sign_guard": "SignGuard",
    "nearest_neighbour_mixing": "NNM",
    "fedmf": "FedMF",
    "fedgnn": "FedGNN",
    "mlp": "MLP",
}
# A part's name, behind the file of one of somebody's own, its options, and what is said
# of it.
_PART = re.compile(r"(?:[^: ]*\.py:)?(\w+)(?::(\S*))?( .*)?", re.DOTALL)
_OF_PARTS = ("attack", "aggregator", "model")


def dataset_title(name: str) -> str:
    """The paper's name of a data set; of another one its own, without folders."""
    return _DATASETS.get(name) or dataset_name(name)


def part_title(text: str) -> str:
    """The papers' name of an attack, an aggregator with its stages, or a model.

    What no paper names is called as its part, in words; so is one of somebody's own.

    >>> part_title("spattack_o_d"), part_title("lie:lie_z=1.5")
    ('Spattack-O-D', 'LIE (lie_z=1.5)')
    >>> part_title("clip_by_norm+median")
    'Clip by norm + Median'
    >>> part_title("./mine.py:item_clip:share=0.5+mean")
    'Item clip (share=0.5) + Mean'
    """
    return " + ".join(map(_one_title, split_chain(text)))


def value_title(option: str, value: Scalar) -> str:
    """What a picture or table writes for the value of an option, in one line."""
    text = as_text(value)
    if option in _OF_PARTS:
        text = part_title(text)
    elif option == "dataset":
        text = dataset_title(text)
    return printable(text)


def _one_title(text: str) -> str:
    found = _PART.fullmatch(text)
    if found is None:
        return text
    name, options, more = found.groups(default="")
    title = _TITLES.get(name) or name.replace("_", " ").capitalize()
    told = f" ({options.replace(':', ', ')})" if options else ""
    return f"{title}{told}{more}"

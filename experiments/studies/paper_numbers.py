"""The numbers that the paper prints, and those that its figures can be checked by.

Zhang et al., "Rethinking Byzantine Robustness in Federated Recommendation from Sparse
Aggregation Perspective" (AAAI 2025), Table 3: FedMF, the mean, 3 % malicious clients.
"""

from collections.abc import Mapping
from typing import NamedTuple

from jaxfr.evaluation.names import metric_names
from jaxfr.records.chance import standard_error_bound

# HR@5, nDCG@5, HR@10, nDCG@10: the order of ``metric_names``.
_Four = tuple[float, float, float, float]

TABLE3: Mapping[str, Mapping[str, _Four]] = {
    "ml-100k": {
        "none": (0.2513, 0.1643, 0.4051, 0.2131),
        "label_flip": (0.2517, 0.1706, 0.4083, 0.2206),
        "fed_attack": (0.2550, 0.1721, 0.4094, 0.2213),
        "gaussian": (0.2550, 0.1729, 0.4116, 0.2230),
        "lie": (0.2539, 0.1724, 0.4116, 0.2229),
        "cluster": (0.2461, 0.1678, 0.3982, 0.2166),
        "fang": (0.1957, 0.1229, 0.2919, 0.1541),
        "spattack_l_s": (0.1018, 0.0620, 0.2163, 0.0980),
        "spattack_l_d": (0.0721, 0.0380, 0.1601, 0.0658),
        "spattack_o_s": (0.0594, 0.0362, 0.0997, 0.0492),
        "spattack_o_d": (0.0530, 0.0339, 0.0944, 0.0470),
    },
    "ml-1m": {
        "none": (0.3121, 0.2054, 0.4626, 0.2539),
        "label_flip": (0.3051, 0.2013, 0.4632, 0.2522),
        "fed_attack": (0.3056, 0.2021, 0.4634, 0.2528),
        "gaussian": (0.3053, 0.2017, 0.4634, 0.2526),
        "lie": (0.3054, 0.2018, 0.4634, 0.2526),
        "cluster": (0.3033, 0.2004, 0.4592, 0.2506),
        "fang": (0.2827, 0.1858, 0.3977, 0.2231),
        "spattack_l_s": (0.1007, 0.0581, 0.2141, 0.0939),
        "spattack_l_d": (0.0921, 0.0521, 0.1935, 0.0846),
        "spattack_o_s": (0.0925, 0.0553, 0.1753, 0.0817),
        "spattack_o_d": (0.0907, 0.0549, 0.1679, 0.0793),
    },
    "steam": {
        "none": (0.5729, 0.3815, 0.6933, 0.4207),
        "label_flip": (0.4792, 0.3157, 0.6429, 0.3685),
        "fed_attack": (0.4798, 0.3172, 0.6431, 0.3700),
        "gaussian": (0.4879, 0.3216, 0.6474, 0.3732),
        "lie": (0.4862, 0.3209, 0.6471, 0.3730),
        "cluster": (0.4263, 0.2750, 0.6220, 0.3386),
        "fang": (0.0278, 0.0160, 0.0619, 0.0269),
        "spattack_l_s": (0.0426, 0.0261, 0.0834, 0.0391),
        "spattack_l_d": (0.0139, 0.0080, 0.0322, 0.0138),
        "spattack_o_s": (0.0671, 0.0390, 0.1308, 0.0593),
        "spattack_o_d": (0.0685, 0.0408, 0.1287, 0.0601),
    },
}

# Users of the test set, over whom each of the paper's numbers is a mean.
USERS: Mapping[str, int] = {"ml-100k": 943, "ml-1m": 6040, "steam": 3753}


class PaperNumber(NamedTuple):
    """A number of the paper.

    Attributes:
        value: as it is printed.
        standard_error: ``standard_error_bound`` for the data set's users: the paper
            says neither how many seeds its numbers are means of nor how they vary, so
            they are taken for those of one run.
    """

    value: float
    standard_error: float


def paper_number(dataset: str, attack: str, metric: str) -> PaperNumber | None:
    """A cell of Table 3.

    Args:
        dataset: name of a data set.
        attack: name of an attack, ``none`` for the clean run.
        metric: one of ``metric_names()``.

    Returns:
        The number, or None where the paper has none.
    """
    values = TABLE3.get(dataset, {}).get(attack)
    if values is None:
        return None
    value = values[metric_names().index(metric)]
    return PaperNumber(value, standard_error_bound(value, USERS[dataset]))

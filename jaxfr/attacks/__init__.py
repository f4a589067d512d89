"""Attacks by name. A new attack is one new file and one line in ``ATTACKS``."""

from collections.abc import Callable, Mapping

from jaxfr.attacks.base import (
    Attack,
    AttackState,
    Knowledge,
    LimitedAttack,
    OmniscientAttack,
    RoundView,
    malicious_uploads,
)
from jaxfr.attacks.cluster import cluster_attack
from jaxfr.attacks.fang import fang, fang_full_knowledge
from jaxfr.attacks.fed_attack import fed_attack
from jaxfr.attacks.gaussian import gaussian
from jaxfr.attacks.label_flip import label_flip
from jaxfr.attacks.lie import lie
from jaxfr.attacks.none import CLEAN, no_attack
from jaxfr.attacks.options import AttackOptions
from jaxfr.attacks.spattack import (
    spattack_l_d,
    spattack_l_s,
    spattack_o_d,
    spattack_o_s,
)

__all__ = [
    "ATTACKS",
    "CLEAN",
    "Attack",
    "AttackOptions",
    "AttackState",
    "Knowledge",
    "LimitedAttack",
    "OmniscientAttack",
    "RoundView",
    "cluster_attack",
    "fang",
    "fang_full_knowledge",
    "fed_attack",
    "gaussian",
    "label_flip",
    "lie",
    "malicious_uploads",
    "no_attack",
    "spattack_l_d",
    "spattack_l_s",
    "spattack_o_d",
    "spattack_o_s",
]

ATTACKS: Mapping[str, Callable[[AttackOptions], Attack]] = {
    CLEAN: lambda options: no_attack(),
    "spattack_o_d": lambda options: spattack_o_d(),
    "spattack_o_s": lambda options: spattack_o_s(),
    "spattack_l_d": lambda options: spattack_l_d(),
    "spattack_l_s": lambda options: spattack_l_s(),
    "label_flip": label_flip,
    "fed_attack": fed_attack,
    "cluster": cluster_attack,
    "gaussian": gaussian,
    "lie": lie,
    "fang": fang,
    "fang_full_knowledge": fang_full_knowledge,
}


def malicious_client_count(benign_clients: int, malicious_ratio: float) -> int:
    """Malicious clients to add, ``floor(n rho / (1 - rho))``.

    They are then a share of at most ``malicious_ratio`` rho of all clients.

    Args:
        benign_clients: number of benign clients n.
        malicious_ratio: share rho of all clients, in [0, 1).
    """
    exact = benign_clients * malicious_ratio / (1 - malicious_ratio)
    # What is whole but for rounding counts as whole (0.9 of 10 clients: 90, not 89).
    return int(exact * (1 + 1e-12))

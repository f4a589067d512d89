"""Attacks by name. A new attack is one new file and one line in ``ATTACKS``."""

from collections.abc import Callable, Mapping

from jaxfr.attacks.base import (
    Attack,
    AttackState,
    Knowledge,
    LimitedAttack,
    OmniscientAttack,
    RoundView,
    TableAfter,
    WhiteBoxAttack,
    malicious_uploads,
)
from jaxfr.attacks.cluster import cluster_attack
from jaxfr.attacks.counting import (
    attacker_count,
    least_benign_clients,
    malicious_client_count,
)
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
    "TableAfter",
    "WhiteBoxAttack",
    "attacker_count",
    "cluster_attack",
    "fang",
    "fang_full_knowledge",
    "fed_attack",
    "gaussian",
    "label_flip",
    "least_benign_clients",
    "lie",
    "malicious_client_count",
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

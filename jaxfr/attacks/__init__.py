"""Attacks by name. A new attack is one new file and one line in ``ATTACKS``."""

from jaxfr.attacks.adaptive.anchor_drift import anchor_drift
from jaxfr.attacks.adaptive.copied_profiles import copied_profiles
from jaxfr.attacks.adaptive.copied_sets import copied_sets
from jaxfr.attacks.adaptive.decorrelated import decorrelated
from jaxfr.attacks.adaptive.groups import groups
from jaxfr.attacks.adaptive.invert import invert_head, invert_tail
from jaxfr.attacks.adaptive.knapsack import knapsack
from jaxfr.attacks.adaptive.promote import fake_profile, mix, promote
from jaxfr.attacks.adaptive.sign_guard_aware import sign_guard_aware
from jaxfr.attacks.adaptive.sleeper import sleeper
from jaxfr.attacks.adaptive.water_filling import water_filling
from jaxfr.attacks.adaptive.white_box import white_box
from jaxfr.attacks.base import (
    Attack,
    Knowledge,
    LimitedAttack,
    OmniscientAttack,
    RoundView,
    TableAfter,
    Task,
    WhiteBoxAttack,
    malicious_client_count,
    malicious_rows,
)
from jaxfr.attacks.general.byz_mean import byz_mean
from jaxfr.attacks.general.fang import fang, fang_full_knowledge
from jaxfr.attacks.general.gaussian import gaussian
from jaxfr.attacks.general.lie import lie
from jaxfr.attacks.general.mimic import mimic
from jaxfr.attacks.general.min_max import min_max, min_sum
from jaxfr.attacks.general.opposite_mean import ipm, sign_flip
from jaxfr.attacks.general.optimal import optimal_alie, optimal_ipm
from jaxfr.attacks.general.poisoned_fl import poisoned_fl
from jaxfr.attacks.none import CLEAN, CLEAN_RUN, none
from jaxfr.attacks.recommendation.cluster import cluster
from jaxfr.attacks.recommendation.fed_attack import fed_attack
from jaxfr.attacks.recommendation.frec_attack2 import frec_attack2
from jaxfr.attacks.recommendation.label_flip import label_flip
from jaxfr.attacks.recommendation.spattack import (
    spattack_l_d,
    spattack_l_s,
    spattack_o_d,
    spattack_o_s,
)
from jaxfr.attacks.recommendation.ua_mean import ua_mean
from jaxfr.attacks.rows import same_rows
from jaxfr.attacks.targeted.fed_rec_attack import fed_rec_attack
from jaxfr.attacks.targeted.pieck import pieck_ipe, pieck_uea
from jaxfr.attacks.targeted.pip_attack import pip_attack
from jaxfr.attacks.targeted.poison_frs import poison_frs
from jaxfr.attacks.targeted.psmu import psmu
from jaxfr.attacks.targeted.virtual_users import a_hum, a_ra, eb
from jaxfr.catalogues import Catalogue, by_name, show_catalogues

__all__ = [
    "ATTACKS",
    "CLEAN",
    "CLEAN_RUN",
    "Attack",
    "Knowledge",
    "LimitedAttack",
    "OmniscientAttack",
    "RoundView",
    "TableAfter",
    "Task",
    "WhiteBoxAttack",
    "a_hum",
    "a_ra",
    "anchor_drift",
    "byz_mean",
    "cluster",
    "copied_profiles",
    "copied_sets",
    "decorrelated",
    "eb",
    "fake_profile",
    "fang",
    "fang_full_knowledge",
    "fed_attack",
    "fed_rec_attack",
    "frec_attack2",
    "gaussian",
    "groups",
    "invert_head",
    "invert_tail",
    "ipm",
    "knapsack",
    "label_flip",
    "lie",
    "malicious_client_count",
    "malicious_rows",
    "mimic",
    "min_max",
    "min_sum",
    "mix",
    "none",
    "optimal_alie",
    "optimal_ipm",
    "pieck_ipe",
    "pieck_uea",
    "pip_attack",
    "poison_frs",
    "poisoned_fl",
    "promote",
    "psmu",
    "same_rows",
    "sign_flip",
    "sign_guard_aware",
    "sleeper",
    "spattack_l_d",
    "spattack_l_s",
    "spattack_o_d",
    "spattack_o_s",
    "ua_mean",
    "water_filling",
    "white_box",
]

ATTACKS: Catalogue[Attack] = by_name(
    none,
    spattack_o_d,
    spattack_o_s,
    spattack_l_d,
    spattack_l_s,
    label_flip,
    fed_attack,
    cluster,
    gaussian,
    lie,
    fang,
    fang_full_knowledge,
    sign_flip,
    ipm,
    min_max,
    min_sum,
    ua_mean,
    invert_head,
    invert_tail,
    promote,
    mix,
    fake_profile,
    knapsack,
    water_filling,
    copied_sets,
    copied_profiles,
    groups,
    sleeper,
    anchor_drift,
    sign_guard_aware,
    decorrelated,
    byz_mean,
    mimic,
    poisoned_fl,
    frec_attack2,
    optimal_ipm,
    optimal_alie,
    white_box,
    *(eb, a_ra, a_hum, pieck_ipe, pieck_uea),
    *(fed_rec_attack, poison_frs, psmu, pip_attack),
)
"""The attacks by name."""

show_catalogues(__name__)


def __dir__() -> list[str]:
    return __all__

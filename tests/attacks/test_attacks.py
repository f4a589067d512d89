"""The attacks by name, and how many malicious clients a share stands for."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.attacks import ATTACKS, LimitedAttack, OmniscientAttack
from jaxfr.attacks import malicious_client_count as count


def test_every_attack_has_its_name():
    assert list(ATTACKS) == [
        "none",
        "spattack_o_d",
        "spattack_o_s",
        "spattack_l_d",
        "spattack_l_s",
        "label_flip",
        "fed_attack",
        "cluster",
        "gaussian",
        "lie",
        "fang",
        "fang_full_knowledge",
    ]


OMNISCIENT = [
    "spattack_o_d",
    "spattack_o_s",
    "cluster",
    "gaussian",
    "lie",
    "fang",
    "fang_full_knowledge",
]


@pytest.mark.parametrize("name", ATTACKS)
def test_only_the_omniscient_attacks_are_of_the_kind_that_sees_benign_rows(name):
    kind = OmniscientAttack if name in OMNISCIENT else LimitedAttack
    assert isinstance(ATTACKS[name]().make(), kind)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(0, 0), (0.01, 9), (0.03, 29), (0.05, 49), (0.10, 104), (0.15, 166)],
)
def test_the_paper_s_shares_of_ml_100k(ratio, expected):
    assert count(943, ratio) == expected


def test_a_half_doubles_the_clients():
    assert [count(n, 0.5) for n in (1, 2, 943, 6040)] == [1, 2, 943, 6040]


@given(st.integers(1, 10**5), st.integers(0, 99))
def test_malicious_clients_are_the_largest_number_within_their_share(n, percent):
    share = Fraction(percent, 100)
    exact = math.floor(n * share / (1 - share))
    assert count(n, percent / 100) == exact
    assert Fraction(exact, n + exact) <= share < Fraction(exact + 1, n + exact + 1)

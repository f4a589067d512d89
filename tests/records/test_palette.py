"""Colours that every eye tells apart, and each of one thing only."""

import itertools

import numpy as np
import pytest
from colorspacious import cspace_convert

from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import ATTACKS, CLEAN
from jaxfr.records.palette import NEUTRAL, PALETTE, looks

TABLE_3 = [
    *("spattack_o_d", "spattack_o_s", "spattack_l_d", "spattack_l_s", "label_flip"),
    *("fed_attack", "gaussian", "lie", "cluster", "fang"),
]
CHAINS = ["clip_by_norm+median", "sign_guard+mean", "budget+mean"]
COLOURS = np.array(
    [[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in (*PALETTE, NEUTRAL)]
)


@pytest.mark.parametrize("eyes", ["", "deuteranomaly", "protanomaly", "tritanomaly"])
def test_any_two_colours_are_far_apart_also_without_a_kind_of_cone(eyes):
    """In CAM02-UCS, where 1 is just seen; the model of Machado et al., 2009."""
    seen = COLOURS / 255
    if eyes:
        space = {"name": "sRGB1+CVD", "cvd_type": eyes, "severity": 100}
        seen = np.clip(cspace_convert(seen, space, "sRGB1"), 0, 1)
    even = cspace_convert(seen, "sRGB1", "CAM02-UCS")
    paper = cspace_convert(np.ones(3), "sRGB1", "CAM02-UCS")
    pairs = itertools.combinations([*even, paper], 2)
    assert min(np.linalg.norm(one - other) for one, other in pairs) > 14


@pytest.mark.parametrize("names", [TABLE_3, list(AGGREGATORS)])
def test_each_rule_and_each_attack_of_the_paper_has_a_colour_of_its_own(names):
    colours = [look.color for look in looks([CLEAN, *names]).values()]
    assert len(set(colours)) == len(names) + 1
    for name, colour in zip(names, colours[1:], strict=True):
        assert looks(["a_hum", *CHAINS, name])[name].color == colour


def test_what_has_no_colour_of_its_own_gets_one_that_is_left():
    names = [*CHAINS, "mean", "median"]
    assert len({look.color for look in looks(names).values()}) == len(names)


def test_all_attacks_at_once_are_told_apart_by_colour_and_marker():
    found = looks(ATTACKS).values()
    assert len({(look.color, look.marker) for look in found}) == len(ATTACKS)


def test_lines_that_follow_one_another_have_different_styles():
    styles = [look.linestyle for look in looks(TABLE_3).values()]
    assert all(len(set(styles[i : i + 4])) == 4 for i in range(len(styles) - 3))

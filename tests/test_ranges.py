"""Ranges of numbers: what they hold, and how a refusal tells of them."""

import math

import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.parts import options_of
from jaxfr.ranges import (
    AMOUNT,
    COUNT_FROM_1,
    LARGEST,
    MOST,
    SEED,
    SMALLEST,
    Range,
    check_number,
)
from jaxfr.sweeps.request import RunRequest
from jaxfr.texts import CATALOGUES

DECLARED = {
    f"{owner} {option.name}": option
    for owner, options in {
        "experiment": options_of(Experiment),
        "run": options_of(RunRequest),
        **{
            f"{field} {name}": factory.options
            for field, catalogue in CATALOGUES.items()
            for name, factory in catalogue.items()
        },
    }.items()
    for option in options
}
RANGES = {
    name: option.allowed
    for name, option in DECLARED.items()
    if isinstance(option.allowed, Range)
}


@pytest.mark.parametrize("name", RANGES)
def test_every_range_is_of_finite_numbers_that_programs_can_hold(name):
    allowed = RANGES[name]
    for value in (math.nan, math.inf, -math.inf, 1e39, 10**30, None, "1", True):
        assert not allowed.holds(value)
    if allowed.whole:
        assert allowed is SEED or 2 * allowed.high + 2 < 2**31
        assert not allowed.holds(float(allowed.low))
    else:
        assert np.isfinite(np.float32(allowed.low) ** 2)
        assert np.isfinite(np.float32(allowed.high) ** 2)


def test_every_number_has_a_range():
    numbers = {
        name
        for name, option in DECLARED.items()
        if option.traced or option.kind in (int, float)
    }
    assert numbers == set(RANGES)
    assert [name for name in RANGES if RANGES[name] is SEED] == ["run seed"]


def test_ends_belong_to_a_range_unless_it_ends_below():
    assert all(Range(0, 1).holds(value) for value in (0, 0.5, 1))
    assert not Range(0, 1).holds(-1e-9)
    assert not Range(0, 1, below_high=True).holds(1)
    assert all(Range(1, 3, whole=True).holds(value) for value in (1, 3, np.int32(2)))
    assert not any(Range(1, 3, whole=True).holds(value) for value in (0, 4, 1.5))


def test_a_number_is_judged_as_float32_too():
    assert Range(0, 0.5, below_high=True).holds(0.4999999)
    assert not Range(0, 0.5, below_high=True).holds(0.4999999999)
    assert not Range(SMALLEST, 1).holds(1e-50)
    assert Range(-1, 1).holds(0.0)
    assert not any(Range(-1, 1).holds(value) for value in (1e-46, -1e-46, 1e-320))


def test_of_an_array_every_number_counts():
    assert Range(0, 1).holds(np.array([0.1, 0.2]))
    assert not Range(0, 1).holds(np.array([[0.1, math.nan]]))


def test_a_refusal_names_the_number_and_what_is_allowed():
    zero = ", 0 or 1e-30 and more in size"
    half = Range(0, 0.5, below_high=True)
    for name, value, allowed, told in (
        ("rounds", 0, COUNT_FROM_1, f"a whole number from 1 to {MOST}"),
        ("eta", -1.0, AMOUNT, f"a number at least 0 and at most {LARGEST:g}{zero}"),
        ("trim_share", 0.5, half, f"a number at least 0 and below 0.5{zero}"),
        (
            "participation",
            0.0,
            Range(SMALLEST, 1),
            "a number above 0 (from 1e-30 on) and at most 1",
        ),
    ):
        with pytest.raises(InvalidInputError) as caught:
            check_number(name, value, allowed)
        assert str(caught.value) == f"{name}={value}: must be {told}"

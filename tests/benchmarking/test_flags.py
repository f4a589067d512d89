import os

import pytest

from jaxfr.benchmarking.flags import (
    default_num_devices,
    parse_counts,
    synthetic_of_size,
)
from jaxfr.data import parse_synthetic_settings
from jaxfr.errors import InvalidInputError
from jaxfr.ranges import Range

RANGE = Range(1, 1000, whole=True)


def test_whole_numbers_ascend():
    assert parse_counts("runs", ["16", "2"], RANGE) == (2, 16)


@pytest.mark.parametrize(
    "texts", [["two"], ["0"], ["1001"], ["1e2"], ["2", "2"], []], ids=str
)
def test_whole_numbers_without_a_meaning_are_refused(texts):
    with pytest.raises(InvalidInputError, match=r"runs=.*from 1 to 1000"):
        parse_counts("runs", texts, RANGE)


@pytest.mark.parametrize("size", [1000, 10_000, 100_000, 50_000_000, 10**9])
def test_every_size_is_a_possible_data_set(size):
    settings = parse_synthetic_settings(synthetic_of_size(size, 100))
    assert settings.num_pairs == size
    assert settings.num_users <= 10**6
    assert settings.num_items <= 10**5


@pytest.mark.parametrize(
    ("platform", "devices", "cores", "expected"),
    [
        ("cpu", 1, 1, (1,)),
        ("cpu", 1, 2, (1, 2)),
        ("cpu", 1, 64, (1, 8)),
        ("gpu", 1, 64, (1,)),
        ("gpu", 4, 64, (1, 4)),
    ],
)
def test_one_device_and_all_of_them_are_the_default(
    platform, devices, cores, expected, monkeypatch
):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert default_num_devices(platform, devices) == expected

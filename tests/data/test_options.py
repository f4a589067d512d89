import pathlib

import pytest

from jaxfr.data.options import (
    LoadOptions,
    SyntheticSettings,
    parse_synthetic_settings,
)
from jaxfr.errors import InvalidInputError


def test_settings_are_read_from_one_text():
    assert parse_synthetic_settings("") == SyntheticSettings()
    assert parse_synthetic_settings(
        "num_users = 50, num_pairs=1e3, activity_sigma=0.5,seed=7"
    ) == SyntheticSettings(num_users=50, num_pairs=1000, activity_sigma=0.5, seed=7)


def test_no_bit_of_a_seed_is_lost():
    assert parse_synthetic_settings(f"seed={2**63 + 1}").seed == 2**63 + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("users=5", "'users=5' is not name=value with a name of num_users, num_items"),
        ("num_users", "num_users must be a number"),
        ("num_users=2.5", "num_users must be a number"),
        ("num_users=inf", "num_users must be a number"),
        ("activity_sigma=x", "activity_sigma must be a number"),
        ("num_users=0", "num_users must be 1 to 1000000000"),
        ("num_users=1e10", "num_users must be 1 to 1000000000"),
        ("num_items=2", "num_items must be 3 to 1000000000"),
        ("num_pairs=1e10", "num_pairs must be at most 1000000000"),
        ("num_pairs=1885", "num_pairs must be 1886 to 1585183"),
        ("num_users=2,num_items=4,num_pairs=7", "num_pairs must be 4 to 6"),
        ("popularity_exponent=1", "popularity_exponent must be a finite number above"),
        ("popularity_exponent=nan", "popularity_exponent must be a finite number"),
        ("activity_sigma=-1", "activity_sigma must be 0 to 10"),
        ("latent_dimension=0", "latent_dimension must be 1 to 38095, as there are"),
        ("latent_dimension=38096", "latent_dimension must be 1 to 38095"),
        ("signal_strength=nan", "signal_strength must be 0 to 20"),
        ("seed=-1", "seed must not be negative"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(text, message):
    with pytest.raises(InvalidInputError, match=message):
        parse_synthetic_settings(text)


def test_the_argument_comes_before_the_environment(monkeypatch):
    monkeypatch.setenv("JAXFR_DATA_DIR", "environment")
    assert LoadOptions("argument").find_data_dir() == pathlib.Path("argument")
    assert LoadOptions().find_data_dir() == pathlib.Path("environment")
    monkeypatch.delenv("JAXFR_DATA_DIR")
    assert LoadOptions().find_data_dir() is None

import math

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.settings import SETTING_NAMES, Settings, resolve
from tests.sweeps.problem import changed


def test_every_setting_is_recorded_by_its_own_name():
    recorded = resolve(Settings(), 100).recorded
    assert set(SETTING_NAMES) <= set(recorded)


def test_a_clean_run_has_no_malicious_client_and_expects_as_many():
    clean = resolve(changed(attack="none", malicious_ratio=0.5), 40)
    attacked = resolve(changed(attack="spattack_o_d", malicious_ratio=0.5), 40)
    assert clean.hyperparameters.malicious_clients == 0
    assert attacked.hyperparameters.malicious_clients == 40
    for resolved in (clean, attacked):
        assert resolved.hyperparameters.expected_byzantine == 40
        assert resolved.recorded["expected_byzantine"] == 40


def test_what_the_aggregator_expects_can_be_given():
    resolved = resolve(changed(attack="spattack_o_d", expected_byzantine=2), 40)
    assert resolved.hyperparameters.expected_byzantine == 2


@pytest.mark.parametrize(
    ("aggregator", "given", "recorded", "clips"),
    [
        ("mean", None, None, False),
        ("mean", 2.0, 2.0, True),
        ("mean", math.inf, None, False),
        ("norm", None, 1.0, False),  # it clips by itself
        ("norm", 3.0, 3.0, False),
    ],
)
def test_rows_are_clipped_where_a_norm_is_given_and_to_1_by_norm_clipping(
    aggregator, given, recorded, clips
):
    resolved = resolve(changed(aggregator=aggregator, clip_norm=given), 40)
    assert resolved.recorded["clip_norm"] == recorded
    assert resolved.configuration.clip == clips
    if recorded is not None:
        assert resolved.hyperparameters.clip_norm == recorded


def test_settings_of_synthetic_data_count_for_synthetic_data_only():
    recorded = resolve(Settings(dataset="ml-100k", synthetic="seed=3"), 40).recorded
    assert recorded["synthetic"] == ""


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("attack", "nonsense"),
        ("aggregator", "nonsense"),
        ("malicious_ratio", 1.0),
        ("malicious_ratio", -0.1),
        ("malicious_ratio", math.nan),
        ("rounds", 0),
        ("eval_every", -1),
        ("expected_byzantine", -2),
        ("seed", -1),
        ("learning_rate", -1.0),
        ("learning_rate", math.nan),
        ("trim_share", 0.5),
        ("participation", 0.0),
        ("embedding_dim", 0),
    ],
)
def test_a_value_without_meaning_is_refused_by_name(setting, value):
    with pytest.raises(InvalidInputError, match=f"^{setting}="):
        resolve(changed(**{setting: value}), 40)

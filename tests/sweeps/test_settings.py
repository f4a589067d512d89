import math

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.settings import SETTING_NAMES, Settings, check_alone, resolve
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
        ("neighbours_per_item", -1),
        ("neighbours_per_item", 2),  # the model, FedMF, looks at no graph
        ("pseudo_items", -1),
        ("privacy_clip", 0.0),
        ("privacy_clip", math.inf),
        ("clip_norm", math.inf),
        ("clip_norm", math.nan),
        ("lie_z", -math.inf),
        ("noise_scale", 1e39),
        ("attack_start", 3_000_000_000),
        ("seed", 2**32),
        ("privacy_noise", 0.1),  # without a clip
        ("privacy_noise", -0.1),
        ("repeated_negatives", "nonsense"),
        ("model", "nonsense"),
    ],
)
def test_a_value_without_meaning_is_refused_by_name(setting, value):
    with pytest.raises(InvalidInputError, match=f"^{setting}="):
        resolve(changed(**{setting: value}), 40)


def test_noise_needs_a_bound_of_what_it_is_to_hide():
    with pytest.raises(InvalidInputError, match=r"privacy_noise=0\.1: needs privacy_c"):
        resolve(changed(privacy_noise=0.1), 40)
    resolved = resolve(changed(privacy_noise=0.1, privacy_clip=0.5), 40)
    assert resolved.configuration.local_privacy
    assert resolved.hyperparameters.privacy_clip == 0.5
    assert resolved.hyperparameters.privacy_noise == 0.1
    assert resolved.recorded["privacy_clip"] == 0.5


def test_without_a_clip_clients_protect_nothing():
    resolved = resolve(changed(), 40)
    assert not resolved.configuration.local_privacy
    assert resolved.recorded["privacy_clip"] is None


def test_settings_of_graphs_and_uploads_reach_the_program():
    resolved = resolve(
        changed(model="fedgnn", neighbours_per_item=2, pseudo_items=3), 40
    )
    assert resolved.configuration.neighbours_per_item == 2
    assert resolved.configuration.pseudo_items == 3
    reference = resolve(changed(repeated_negatives="reference"), 40)
    assert reference.configuration.repeated_negatives == "reference"


def test_an_attack_with_nobody_is_refused_with_the_ratio_that_is_enough():
    with pytest.raises(InvalidInputError) as caught:
        resolve(Settings(attack="lie", dataset="a.csv"), 30)
    assert str(caught.value) == (
        "malicious_ratio=0.03: adds no malicious client to the 30 of a.csv; "
        "attack=lie needs at least 0.032259, and the clean run is attack=none"
    )
    enough = resolve(Settings(attack="lie", malicious_ratio=0.032259), 30)
    assert enough.hyperparameters.malicious_clients == 1
    assert resolve(Settings(attack="none"), 30).configuration.malicious_clients == 0


@pytest.mark.parametrize("ratio", [1e-9, 1e-3, 0.03, 1 / 3, 0.5, 0.9, 0.999])
def test_without_data_a_ratio_is_refused_only_where_it_adds_nobody_to_anybody(ratio):
    check_alone(Settings(attack="lie", malicious_ratio=ratio))
    with pytest.raises(
        InvalidInputError, match=r"^malicious_ratio=0: attack=lie needs"
    ):
        check_alone(Settings(attack="lie", malicious_ratio=0.0))


def test_an_attack_that_would_begin_after_the_last_round_is_refused():
    late = changed(attack="spattack_o_d", attack_start=6)
    with pytest.raises(InvalidInputError, match=r"^attack_start=6: .* below rounds=6"):
        resolve(late, 40)

"""A request: a run that is wanted."""

import math
import pathlib

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.experiment import PART_KINDS, Experiment
from jaxfr.part_texts import read_option
from jaxfr.sweeps.request import (
    RUN_OPTIONS,
    RunRequest,
    check_alone,
    modules_of_parts,
    recorded_options,
)
from jaxfr.texts import EXPERIMENT_OPTIONS, read_field
from jaxfr.training.checks import check_attack
from tests.sweeps.problem import SMALL, changed

EXAMPLES = pathlib.Path(__file__).parents[2] / "experiments" / "examples"


def settled(request: RunRequest, num_clients: int = 40) -> Experiment:
    """Its experiment with so many clients, if it has a meaning with them."""
    experiment = request.experiment.with_data(num_clients, request.dataset)
    check_attack(experiment, experiment.malicious_clients or 0, request.rounds)
    return experiment


def recorded(request: RunRequest) -> dict:
    return recorded_options(request, settled(request))


def test_every_option_is_recorded_by_its_own_name():
    assert {*RUN_OPTIONS, "seed", "malicious_clients"} <= set(recorded(RunRequest()))


def test_parts_are_recorded_by_name_and_each_option_of_theirs_by_its_own():
    found = recorded(
        changed(
            attack="spattack_l_s:noise_scale=2",
            aggregator="clip_by_norm:0.5+krum",
            model="fedgnn:4",
        )
    )
    assert {name: found[name] for name in PART_KINDS} == {
        "model": "fedgnn",
        "client_optimizer": "sgd",
        "server_optimizer": "sgd",
        "attack": "spattack_l_s",
        "aggregator": "clip_by_norm+krum",
    }
    options = {
        "embedding_dim": 4,
        "neighbours_per_item": 0,
        "noise_scale": 2.0,
        "max_poisoned_items": 0,
        "clip_norm": 0.5,
        "krum_distance": "squared",
    }
    assert {name: found[name] for name in options} == options
    assert found.keys().isdisjoint({"lie_z", "scope", "trim_share"})


def test_options_of_one_name_are_told_apart_by_their_field():
    found = recorded(
        changed(
            learning_rate=0.5,
            client_optimizer="adam:0.1",
            server_optimizer="momentum:0.2",
            aggregator="clip_by_norm:1+clip_by_norm:2+mean",
        )
    )
    assert found["learning_rate"] == 0.5
    assert found["client_optimizer_learning_rate"] == 0.1
    assert found["server_optimizer_learning_rate"] == 0.2
    assert (found["clip_norm"], found["aggregator_clip_norm"]) == (1.0, 2.0)


def test_a_run_is_made_again_of_its_texts():
    wanted = changed(
        model="fedgnn:4:2",
        attack="lie:1.5:sparse",
        aggregator="clip_by_norm:0.5+classic_trimmed_mean:0.1",
        client_optimizer="adam:0.1",
        privacy_clip=0.25,
        metrics="hr@3,full_ndcg@7,er@10",
        targets="items:3,17",
        seed=3,
    )
    read = {
        name: read_field(name, text)
        if name in EXPERIMENT_OPTIONS
        else read_option(RUN_OPTIONS[name], text)
        for name, text in wanted.texts().items()
    }
    assert RunRequest(seed=3).replace(**read) == wanted


def test_a_clean_run_has_no_malicious_client_and_expects_as_many():
    for attack, malicious in (("none", 0), ("spattack_o_d", 40)):
        wanted = changed(attack=attack, malicious_ratio=0.5)
        assert settled(wanted).malicious_clients == malicious
        assert recorded(wanted)["malicious_clients"] == malicious
        assert settled(wanted).expected_byzantine == 40
        assert recorded(wanted)["expected_byzantine"] == 40
        assert settled(wanted.replace(expected_byzantine=2)).expected_byzantine == 2


@pytest.mark.parametrize(
    ("aggregator", "norm"),
    [
        ("mean", None),
        ("clip_by_norm:2+mean", 2.0),
        ("norm", 1.0),  # it clips by itself
        ("norm:3", 3.0),
    ],
)
def test_rows_are_clipped_where_a_stage_does_and_to_1_by_norm_clipping(
    aggregator, norm
):
    found = recorded(changed(aggregator=aggregator))
    assert found.get("clip_norm") == norm
    assert ("clip_norm" in found) == (norm is not None)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("attack", "nonsense"),
        ("aggregator", "nonsense"),
        ("aggregator", "clip_by_norm"),  # and no rule behind it
        ("malicious_ratio", 1.0),
        ("malicious_ratio", -0.1),
        ("malicious_ratio", math.nan),
        ("rounds", 0),
        ("eval_every", -1),
        ("expected_byzantine", -2),
        ("seed", -1),
        ("learning_rate", -1.0),
        ("learning_rate", math.nan),
        ("participation", 0.0),
        ("pseudo_items", -1),
        ("privacy_clip", 0.0),
        ("privacy_clip", math.inf),
        ("attack_start", 3_000_000_000),
        ("seed", 2**32),
        ("privacy_noise", 0.1),  # without a clip
        ("privacy_noise", -0.1),
        ("repeated_negatives", "nonsense"),
        ("model", "nonsense"),
    ],
)
def test_a_value_without_meaning_is_refused_by_name(option, value):
    with pytest.raises(InvalidInputError, match=f"^{option}="):
        settled(changed(**{option: value}))


@pytest.mark.parametrize(
    ("field", "part", "option", "value"),
    [
        ("aggregator", "classic_trimmed_mean", "trim_share", "0.5"),
        ("aggregator", "clip_by_norm", "clip_norm", "inf"),
        ("aggregator", "norm", "clip_norm", "nan"),
        ("aggregator", "krum", "krum_distance", "long"),
        ("model", "fedmf", "embedding_dim", "0"),
        ("model", "fedgnn", "neighbours_per_item", "-1"),
        ("attack", "lie", "lie_z", "-inf"),
        ("attack", "lie", "scope", "wide"),
        ("attack", "spattack_l_d", "noise_scale", "1e39"),
        ("attack", "spattack_o_s", "max_poisoned_items", "1.5"),
        ("server_optimizer", "adam", "learning_rate", "-1"),
    ],
)
def test_so_is_one_of_an_option_of_a_part(field, part, option, value):
    with pytest.raises(InvalidInputError, match=f"^{option}="):
        changed(**{field: f"{part}:{option}={value}"})


def test_a_model_that_looks_at_no_graph_has_no_option_of_graphs():
    with pytest.raises(InvalidInputError, match=r"^model=.* 'neighbours_per_item'; op"):
        changed(model="fedmf:neighbours_per_item=2")


def test_noise_needs_a_bound_of_what_it_is_to_hide():
    with pytest.raises(InvalidInputError, match=r"privacy_noise=0\.1: needs privacy_c"):
        changed(privacy_noise=0.1)
    assert recorded(SMALL)["privacy_clip"] is None


@pytest.mark.parametrize(
    "given",
    [
        {"pseudo_items": 3, "privacy_noise": 0.1, "privacy_clip": 0.5},
        {"repeated_negatives": "reference"},
    ],
)
def test_options_of_uploads_reach_the_program_and_the_record(given):
    found, told = settled(changed(**given)), recorded(changed(**given))
    assert {name: getattr(found, name) for name in given} == given
    assert {name: told[name] for name in given} == given


def test_options_of_graphs_reach_the_program():
    found = settled(changed(model="fedgnn:4:2"))
    assert found.model.make().neighbours_per_item == 2


def test_an_attack_with_nobody_is_refused_with_the_ratio_that_is_enough():
    lie = RunRequest(dataset="a.csv").replace(attack="lie")
    with pytest.raises(InvalidInputError) as caught:
        settled(lie, 30)
    assert str(caught.value) == (
        "malicious_ratio=0.03: adds no malicious client to the 30 of a.csv; "
        "attack=lie needs at least 0.032259, and the clean run is attack=none"
    )
    enough = settled(lie.replace(malicious_ratio=0.032259), 30)
    assert enough.malicious_clients == 1
    assert settled(RunRequest(), 30).malicious_clients == 0


@pytest.mark.parametrize("ratio", [1e-9, 1e-3, 0.03, 1 / 3, 0.5, 0.9, 0.999])
def test_without_data_a_ratio_is_refused_only_where_it_adds_nobody_to_anybody(ratio):
    lie = RunRequest().replace(attack="lie")
    check_alone(lie.replace(malicious_ratio=ratio))
    with pytest.raises(
        InvalidInputError, match=r"^malicious_ratio=0: attack=lie needs"
    ):
        check_alone(lie.replace(malicious_ratio=0.0))


def test_an_attack_that_would_begin_after_the_last_round_is_refused():
    late = changed(attack="spattack_o_d", attack_start=6)
    with pytest.raises(InvalidInputError, match=r"^attack_start=6: .* below rounds=6"):
        settled(late)


def test_the_modules_of_parts_are_those_of_all_that_are_in_them():
    request = RunRequest().replace(attack="lie", aggregator="clip_by_norm+median")
    assert modules_of_parts(request) == {
        *("jaxfr.attacks.general.lie", "jaxfr.models.fedmf", "jaxfr.optimizers"),
        *("jaxfr.aggregators.base", "jaxfr.aggregators.norm"),
        "jaxfr.aggregators.median",
    }


def test_what_a_part_of_elsewhere_uses_is_not_known():
    own = RunRequest().replace(attack=f"{EXAMPLES / 'shrink_items.py'}:shrink_items")
    assert modules_of_parts(own) is None

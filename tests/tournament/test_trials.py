"""Trials: every attack against every defense, and which runs they are."""

import dataclasses

import pytest

from jaxfr.attacks import malicious_client_count
from jaxfr.errors import InvalidInputError
from jaxfr.tournament import wanted_trials
from jaxfr.tournament.trials import with_ablations
from tests.tournament.samples import DATA, SUITE, trial

CLIENTS = {DATA: 40}


def test_every_attack_meets_every_defense_at_every_share_with_every_seed():
    trials = wanted_trials(SUITE, ["median"], CLIENTS)
    assert set(trials) == {
        trial(aggregator, attack, seed, ratio)
        for aggregator in ("mean", "median")
        for attack in ("none", *SUITE.attack)
        for seed in (0, 1)
        for ratio in SUITE.malicious_ratio
    }


def test_a_trial_is_the_run_that_its_fields_say():
    for one, request in wanted_trials(SUITE, ["trimmed_mean"], CLIENTS).items():
        texts = request.texts()
        assert texts["dataset"] == one.dataset
        assert texts["model"] == one.model
        assert texts["aggregator"] == one.aggregator
        assert texts["attack"] == one.attack
        assert request.seed == one.seed
        assert texts["metrics"] == SUITE.metrics
        assert texts["targets"] == SUITE.targets
        assert (request.rounds, request.eval_every) == (4, 2)
        if one.attack != "none":
            assert request.experiment.malicious_ratio == one.malicious_ratio


def test_defenses_that_expect_no_number_share_one_clean_run_for_all_shares():
    trials = wanted_trials(SUITE, ["trimmed_mean"], CLIENTS)

    def clean_runs(aggregator: str, declared: float | None) -> int:
        return len(
            {
                trials[trial(aggregator, "none", 0, ratio, declared)]
                for ratio in SUITE.malicious_ratio
            }
        )

    assert clean_runs("mean", None) == 1
    assert clean_runs("trimmed_mean", 1.0) == 2


def test_the_declared_number_is_so_many_times_the_real_one():
    suite = dataclasses.replace(SUITE, declared=(0.0, 0.5, 1.0, 2.0))
    trials = wanted_trials(suite, ["trimmed_mean", "median"], CLIENTS)
    assert {one.declared for one in trials if one.aggregator == "median"} == {None}
    real = malicious_client_count(40, 0.1)
    assert real == 4
    for declared, expected in ((0.0, 0), (0.5, 2), (1.0, 4), (2.0, 8)):
        request = trials[trial("trimmed_mean", SUITE.attack[0], 0, 0.1, declared)]
        found = request.experiment.with_data(40)
        assert (found.malicious_clients, found.expected_byzantine) == (4, expected)


def test_ablations_are_each_stage_alone_and_each_left_out():
    assert with_ablations("a+b:1e+5+c+mean") == [
        "a+b:1e+5+c+mean",
        *("a+mean", "b:1e+5+mean", "c+mean"),
        *("b:1e+5+c+mean", "a+c+mean", "a+b:1e+5+mean"),
        "mean",
    ]
    assert with_ablations("median") == ["median"]


def test_what_a_model_cannot_have_is_left_out_with_it_and_told_once():
    suite = dataclasses.replace(
        SUITE, model=("fedmf", "fedgnn"), attack=("label_flip",)
    )
    told = []
    trials = wanted_trials(suite, ["realisable+mean"], CLIENTS, told.append)
    pairs = {(one.model, one.aggregator, one.attack) for one in trials}
    assert pairs == {
        ("fedmf", defense, attack)
        for defense in ("mean", "realisable+mean")
        for attack in ("none", "label_flip")
    } | {("fedgnn", "mean", "none")}
    assert [line.partition(":")[0] for line in told] == ["left out", "left out"]
    assert "label_flip" in told[0]
    assert "realisable" in told[1]


@pytest.mark.parametrize("wrong", [{"attack": ("spatack",)}, {"model": ("fedm",)}])
def test_what_no_model_can_have_is_refused(wrong):
    with pytest.raises(InvalidInputError):
        wanted_trials(dataclasses.replace(SUITE, **wrong), [], CLIENTS)
    with pytest.raises(InvalidInputError):
        wanted_trials(SUITE, ["medan"], CLIENTS)

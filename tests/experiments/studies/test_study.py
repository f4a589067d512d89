"""What all studies have in common: their points, their data, what they say of both."""

import pytest

from experiments.studies import figure3, figure4, figure5
from experiments.studies.study import (
    Material,
    Point,
    Section,
    comparison,
    describe_bases,
    studied_datasets,
)
from jaxfr.sweeps import RunRequest
from tests.experiments.studies.invented import bases, tell
from tests.experiments.studies.small_data import BASE

POINTS = [Point(), Point("spattack_o_d", 0.2)]
FOUND = {}
STUDY = comparison(
    "some",
    ("attack", "malicious_ratio"),
    POINTS,
    lambda found: (FOUND.update(found), Section("Some", ("More.",)))[1],
)


def test_every_point_of_every_base_is_wanted_and_keeps_the_rest_of_it():
    chosen = [
        base.replace(rounds=7, aggregator="krum") for base in bases("steam", seeds=2)
    ]
    wanted = STUDY.wanted(chosen)
    told = [(request.seed, tell(request)) for request in wanted]
    assert [(seed, one.attack, one.malicious_ratio) for seed, one in told] == [
        *((0, "none", 0.0), (0, "spattack_o_d", 0.2)),
        *((1, "none", 0.0), (1, "spattack_o_d", 0.2)),
    ]
    kept = {(s.dataset, s.rounds, s.experiment.aggregator.name) for s in wanted}
    assert kept == {("steam", 7, "krum")}


def test_records_are_sorted_by_data_set_and_point_over_the_seeds():
    chosen = bases("steam", "ml-1m", seeds=2)
    records = [
        {"dataset": r.dataset, "attack": r.experiment.attack.name, "seed": r.seed}
        for r in STUDY.wanted(chosen)
    ]
    section = STUDY.present(Material(tuple(chosen), tuple(records), None))
    assert section.text == ("Steam and ML-1M; 200 rounds; 2 seeds (0, 1).", "More.")
    assert list(FOUND) == ["steam", "ml-1m"]
    assert FOUND["ml-1m"][POINTS[1]] == [
        {"dataset": "ml-1m", "attack": "spattack_o_d", "seed": 0},
        {"dataset": "ml-1m", "attack": "spattack_o_d", "seed": 1},
    ]
    assert [record["attack"] for record in FOUND["steam"][Point()]] == ["none"] * 2


def test_bases_are_described_by_what_is_unusual():
    odd = RunRequest(rounds=5).replace(attack="fang", aggregator="clip_by_norm:2+mean")
    assert describe_bases([odd], ("attack",)) == (
        "ML-100K; 5 rounds; 1 seed (0). Other than in the paper: "
        "aggregator=clip_by_norm:clip_norm=2.0+mean, rounds=5."
    )


@pytest.mark.parametrize("figure", [figure3, figure4, figure5])
def test_every_value_of_an_earlier_simulation_is_one_that_the_study_simulates(figure):
    study = figure.study()
    for (dataset, point, _), value in figure.EARLIER.items():
        base = RunRequest(dataset=dataset)
        changed = {name: getattr(point, name) for name in study.decides}
        assert base.replace(**changed) in study.wanted([base])
        assert 0 < value < 1


def test_each_data_set_is_loaded_once_with_its_first_seed():
    other = BASE.replace(synthetic="num_users=30,num_items=50,num_pairs=300")
    chosen = [base.replace(seed=seed) for base in (BASE, other) for seed in (7, 8)]
    found = studied_datasets(Material(tuple(chosen), (), None))
    assert [base.seed for base, _ in found] == [7, 7]
    assert [dataset.num_users for _, dataset in found] == [120, 30]

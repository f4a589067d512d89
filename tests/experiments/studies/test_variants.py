from experiments.studies.study import Material
from experiments.studies.variants import (
    Variant,
    cross_with_bases,
    describe_bases,
    runs_by_dataset,
)
from jaxfr.sweeps.request import RunRequest
from tests.experiments.studies.invented import bases, tell

VARIANTS = [
    Variant("clean", {"attack": "none"}),
    Variant("attacked", {"attack": "spattack_o_d", "malicious_ratio": 0.2}),
]


def test_every_variant_of_every_base_is_wanted_and_keeps_the_rest_of_it():
    chosen = [base.replace(rounds=7) for base in bases("steam", seeds=2)]
    wanted = cross_with_bases(chosen, VARIANTS)
    told = [(request.seed, tell(request)) for request in wanted]
    assert [(seed, one.attack, one.malicious_ratio) for seed, one in told] == [
        (0, "none", 0.03),
        (0, "spattack_o_d", 0.2),
        (1, "none", 0.03),
        (1, "spattack_o_d", 0.2),
    ]
    assert {(s.dataset, s.rounds) for s in wanted} == {("steam", 7)}


def test_records_are_sorted_by_data_set_and_variant_over_the_seeds():
    chosen = bases("steam", "ml-1m", seeds=2)
    records = [
        {
            "dataset": request.dataset,
            "attack": request.experiment.attack.name,
            "seed": request.seed,
        }
        for request in cross_with_bases(chosen, VARIANTS)
    ]
    found = runs_by_dataset(Material(tuple(chosen), tuple(records), None), VARIANTS)
    assert list(found) == ["steam", "ml-1m"]
    assert found["ml-1m"]["attacked"] == [
        {"dataset": "ml-1m", "attack": "spattack_o_d", "seed": 0},
        {"dataset": "ml-1m", "attack": "spattack_o_d", "seed": 1},
    ]
    assert [record["attack"] for record in found["steam"]["clean"]] == ["none"] * 2


def test_bases_are_described_by_what_is_unusual():
    chosen = bases("ml-100k", "steam", seeds=2)
    assert describe_bases(chosen, ()) == (
        "ML-100K and Steam; 200 rounds; 2 seeds (0, 1)."
    )
    odd = [
        RunRequest(rounds=5).replace(attack="fang", aggregator="clip_by_norm:2+mean")
    ]
    assert describe_bases(odd, ("attack",)) == (
        "ML-100K; 5 rounds; 1 seed (0). Other than in the paper: "
        "aggregator=clip_by_norm:clip_norm=2.0+mean, rounds=5."
    )

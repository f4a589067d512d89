"""What all studies say of their data."""

from experiments.studies.base import Material, describe_bases, studied_datasets
from jaxfr.sweeps.request import RunRequest
from tests.experiments.studies.invented import bases
from tests.experiments.studies.small_data import BASE


def test_bases_are_described_by_what_is_unusual():
    assert describe_bases(bases("ml-100k", "steam", seeds=2), ()) == (
        "ML-100K and Steam; 200 rounds; 2 seeds (0, 1)."
    )
    odd = RunRequest(rounds=5).replace(attack="fang", aggregator="clip_by_norm:2+mean")
    assert describe_bases([odd], ("attack",)) == (
        "ML-100K; 5 rounds; 1 seed (0). Other than in the paper: "
        "aggregator=clip_by_norm:clip_norm=2.0+mean, rounds=5."
    )


def test_each_data_set_is_loaded_once_with_its_first_seed():
    other = BASE.replace(dataset="synthetic:num_users=30:num_items=50:num_pairs=300")
    chosen = [base.replace(seed=seed) for base in (BASE, other) for seed in (7, 8)]
    found = studied_datasets(Material(tuple(chosen), (), None))
    assert [base.seed for base, _ in found] == [7, 7]
    assert [dataset.num_users for _, dataset in found] == [120, 30]

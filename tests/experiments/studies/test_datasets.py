import dataclasses

from experiments.studies.datasets import file_stem, studied_datasets
from experiments.studies.study import Material
from tests.experiments.studies.small_data import BASE


def test_each_data_set_is_there_once_with_its_first_seed():
    other = dataclasses.replace(
        BASE, synthetic="num_users=30,num_items=50,num_pairs=300"
    )
    bases = [
        dataclasses.replace(base, seed=seed)
        for base in (BASE, other)
        for seed in (7, 8)
    ]
    found = studied_datasets(Material(tuple(bases), (), None))
    assert [data.base.seed for data in found] == [7, 7]
    assert [data.source.dataset.num_users for data in found] == [120, 30]
    assert [data.name for data in found] == ["synthetic", "synthetic"]


def test_a_name_becomes_part_of_a_file_name():
    assert file_stem("ml-100k") == "ml-100k"
    assert file_stem("../my log.v2") == "___my_log_v2"

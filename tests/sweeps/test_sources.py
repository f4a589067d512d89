"""Data sets of a sweep, loaded and hashed once."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.data import LoadOptions, TableOptions
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.sweeps.request import RunRequest
from jaxfr.sweeps.sources import (
    Source,
    check_source,
    hash_dataset,
    load_sources,
    num_ranked,
    source_name,
)
from jaxfr.training import GivenValues
from tests.sweeps.problem import SMALL, changed
from tests.training.problem import small_dataset

ROWS = "".join(f"u{user},i{item}\n" for user in range(6) for item in range(user, 9))


def test_a_data_set_is_loaded_once_for_all_runs():
    names = [source_name(SMALL), source_name(changed(seed=3, attack="none"))]
    (source,) = load_sources(names, None).values()
    assert source.dataset.num_users == 40
    assert source.given == GivenValues()
    assert source.given_hash is None


def test_the_hash_is_that_of_the_content_whatever_the_name(tmp_path):
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(ROWS)
    (tmp_path / "three.csv").write_text(ROWS + "u6,i0\nu6,i1\n")
    names = [
        source_name(RunRequest(dataset=str(tmp_path / name)))
        for name in ("one.csv", "two.csv", "three.csv")
    ]
    one, two, three = load_sources(names, None).values()
    assert one.dataset_hash == two.dataset_hash != three.dataset_hash


def test_data_in_which_nobody_has_a_test_item_are_refused(tmp_path):
    (tmp_path / "mine.csv").write_text("u1,i1\nu2,i2\nu3,i3\nu4,i3\n")
    wanted = RunRequest(dataset=str(tmp_path / "mine.csv")).replace(ranking="full")
    (source,) = load_sources([source_name(wanted)], None).values()
    with pytest.raises(InvalidInputError, match="mine: no user has a test item"):
        check_source(wanted, source)


def test_what_was_read_is_told_by_the_leader_only(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.csv").write_text(ROWS)
    name = source_name(RunRequest(dataset=str(tmp_path / "mine.csv")))
    load_sources([name], LoadOptions(table=TableOptions(time_column="none")))
    assert capsys.readouterr().err.count("time=none (file order decides)") == 1
    monkeypatch.setattr(jax.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    load_sources([name], None)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("part", ["train_items", "test_items", "num_items"])
def test_a_data_set_with_any_other_content_has_another_hash(part):
    dataset = small_dataset()
    before = hash_dataset(dataset)
    if part == "num_items":
        other = dataclasses.replace(dataset, num_items=dataset.num_items + 1)
    elif part == "test_items":
        test_items = dataset.test_items.copy()
        test_items[0] = -1
        other = dataclasses.replace(dataset, test_items=test_items)
    else:
        swapped = dataset.train_items.copy()
        swapped[:2] = swapped[1::-1]
        other = dataclasses.replace(dataset, train_items=swapped)
    assert hash_dataset(other) != before == hash_dataset(small_dataset())


def test_given_values_are_hashed_by_their_content(tmp_path):
    random = np.random.default_rng(0)
    arrays = {
        "user_embeddings": random.normal(size=(40, 4)),
        "item_embeddings": random.normal(size=(300, 4)),
    }
    hashes = []
    for name, scale in (("a.npz", 1), ("b.npz", 1), ("c.npz", 2)):
        path = tmp_path / name
        np.savez(
            path,
            allow_pickle=False,
            **{key: scale * value for key, value in arrays.items()},
        )
        wanted = source_name(changed(init_from=str(path)))
        (source,) = load_sources([wanted], None).values()
        hashes.append(source.given_hash)
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("path", ["", "~nosuch/start.npz"])
def test_given_values_are_in_a_file_that_can_be_named(path):
    with pytest.raises(InvalidInputError, match=f"^init_from={path}: "):
        load_sources([source_name(changed(init_from=path))], None)


def test_data_that_cannot_be_ranked_as_asked_are_refused():
    source = Source(small_dataset(), "", GivenValues(), None)
    check_source(changed(ranking="full", num_candidates=99), source)
    with pytest.raises(InvalidInputError, match="num_candidates=99"):
        check_source(changed(num_candidates=99), source)


def test_given_negatives_go_with_fixed_ones_only():
    given = GivenValues(negatives=jnp.zeros(5, jnp.int32))
    source = Source(small_dataset(), "", given, "")
    check_source(changed(num_candidates=3), source)
    with pytest.raises(InvalidInputError, match="--negatives=fixed"):
        check_source(changed(num_candidates=3, negatives="resample"), source)


def test_a_test_item_is_ranked_among_candidates_or_all_untrained_items():
    dataset = small_dataset()
    assert num_ranked(Experiment(num_candidates=6), dataset) == 7
    activity = dataset.user_activity.mean()
    assert num_ranked(Experiment(ranking="full"), dataset) == 15 - activity

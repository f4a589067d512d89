import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.errors import InvalidInputError
from jaxfr.store.identity import run_identity
from jaxfr.sweeps.grid import cross
from jaxfr.sweeps.plan import identify, plan_runs, take_shard
from jaxfr.sweeps.settings import SETTING_NAMES, Settings
from tests.sweeps.problem import SMALL, SYNTHETIC, changed

# Another value of every setting that a program takes as a number.
NUMBERS = {
    "learning_rate": 0.3,
    "regularization": 0.2,
    "malicious_ratio": 0.2,
    "attack_start": 2,
    "noise_scale": 2.0,
    "max_poisoned_items": 5,
    "expected_byzantine": 7,
    "rounds": 9,
    "eval_every": 2,
    "privacy_noise": 0.1,
    "targets": "popular:5",
    "seed": 1,
}
# And of every setting that is compiled in.
STATIC = {
    "model": "mlp",
    "embedding_dim": 5,
    "negatives": "resample",
    "participation": 0.5,
    "client_optimizer": "adam",
    "server_optimizer": "adam",
    "attack": "spattack_o_d",
    "scope": "sparse",
    "lie_z": 1.0,
    "aggregator": "median",
    "aggregation": "dense",
    "clip_norm": 1.0,
    "trim_form": "classic",
    "trim_share": 0.1,
    "krum_distance": "plain",
    "ranking": "full",
    "num_candidates": 50,
    "neighbours_per_item": 2,
    "pseudo_items": 3,
    "privacy_clip": 0.5,
    "repeated_negatives": "reference",
    "metrics": "hr@10,percentile",
}
# What a setting needs beside it.
NEEDS = {
    "neighbours_per_item": {"model": "fedgnn"},
    "privacy_noise": {"privacy_clip": 0.5},
    "targets": {"metrics": "er@10"},
}
SOURCES = {"dataset", "synthetic", "init_from"}


def test_every_setting_is_a_number_compiled_in_or_data():
    assert {*NUMBERS, *STATIC, *SOURCES} == set(SETTING_NAMES)


@pytest.mark.parametrize("name", NUMBERS)
def test_another_number_is_another_run_of_the_same_program(name):
    attacked = changed(attack="spattack_l_s", **NEEDS.get(name, {}))
    other = dataclasses.replace(attacked, **{name: NUMBERS[name]})
    (group,) = plan_runs([attacked, other]).groups
    assert len({run.run for run in group.runs}) == group.size == 2


@pytest.mark.parametrize("name", STATIC)
def test_what_is_compiled_in_makes_another_group(name):
    base = changed(**NEEDS.get(name, {}))
    other = dataclasses.replace(base, **{name: STATIC[name]})
    groups = plan_runs([base, other]).groups
    assert [group.size for group in groups] == [1, 1]
    assert len({run.run for group in groups for run in group.runs}) == 2


def test_a_groups_program_has_room_for_the_most_malicious_clients_and_rounds():
    ratios = [0.1, 0.5, 0.2]
    wanted = [
        changed(attack="spattack_o_d", malicious_ratio=ratio, rounds=5 + index)
        for index, ratio in enumerate(ratios)
    ]
    (group,) = plan_runs(wanted).groups
    assert group.configuration.malicious_clients == 40
    assert group.rounds == 7
    assert [run.hyperparameters.malicious_clients for run in group.runs] == [4, 40, 10]


def test_runs_of_one_schedule_stand_together():
    wanted = cross(
        {
            **{name: [getattr(SMALL, name)] for name in SETTING_NAMES},
            "rounds": [3, 6],
            "learning_rate": [0.1, 0.2],
        }
    )
    (group,) = plan_runs(wanted[::-1]).groups
    assert [run.settings.rounds for run in group.runs] == [3, 3, 6, 6]


def test_runs_that_only_differ_in_the_name_of_the_same_data_are_one(tmp_path):
    rows = "".join(f"u{u},i{i}\n" for u in range(6) for i in range(u, 9))
    wanted = []
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(rows)
        wanted.append(Settings(dataset=str(tmp_path / name), ranking="full"))
    one, two = plan_runs(wanted).runs
    assert one.run == two.run


def test_settings_that_came_later_leave_older_runs_what_they_are():
    """A run with their defaults has the identity that it had without them."""
    (run,) = plan_runs([SMALL]).runs
    older = {
        name: value
        for name, value in run.recorded.items()
        if name not in {"metrics", "targets", "run", "num_ranked", "code_version"}
        and name not in SOURCES
    }
    assert run.run == run_identity(older, run.recorded["code_version"])


def test_a_record_tells_its_settings_data_and_code():
    (run,) = plan_runs([SMALL]).runs
    assert run.recorded["run"] == run.run
    assert run.run.endswith(run.recorded["code_version"])
    assert run.recorded["synthetic"] == SYNTHETIC
    assert len(run.recorded["dataset_hash"]) == 16
    assert run.recorded["seed"] == SMALL.seed


def test_settings_without_meaning_are_refused_before_data_are_loaded():
    with pytest.raises(InvalidInputError, match="learning_rate"):
        plan_runs([Settings(dataset="nowhere", learning_rate=-1)])


@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(1, 15))
def test_shards_share_out_all_runs_evenly(seeds, count):
    wanted = [
        changed(attack=attack, seed=seed)
        for attack in ("none", "spattack_o_d")
        for seed in range(seeds)
    ]
    plan = plan_runs(wanted)
    shards = [take_shard(plan, index, count) for index in range(count)]
    shared = [run.run for shard in shards for run in shard.runs]
    assert sorted(shared) == sorted(run.run for run in plan.runs)
    sizes = [len(shard.runs) for shard in shards]
    assert max(sizes) - min(sizes) <= 1
    # How a run is executed follows from the whole sweep.
    assert {group.size for shard in shards for group in shard.groups} == {seeds}


@pytest.mark.parametrize(("index", "count"), [(2, 2), (-1, 2), (0, 0)])
def test_a_shard_that_does_not_exist_is_refused(index, count):
    with pytest.raises(InvalidInputError, match="num_shards"):
        take_shard(plan_runs([SMALL]), index, count)


def test_runs_are_identified_in_the_order_wanted_also_where_several_are_the_same():
    norm = changed(aggregator="norm")
    wanted = [
        norm,
        changed(seed=1),
        dataclasses.replace(norm, clip_norm=1.0),
        changed(),
        changed(seed=1),
    ]
    plan = plan_runs(wanted)
    names = identify(plan, wanted)
    assert names[0] == names[2]
    assert names[1] == names[4]
    assert set(names) == {run.run for run in plan.runs}
    by_run = {run.run: run.settings for run in plan.runs}
    assert by_run[names[3]] == changed()
    assert len(set(names)) == 3

"""Which runs are the same, which share a program, and who does which."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.errors import InvalidInputError
from jaxfr.store.identity import run_identity
from jaxfr.sweeps.grid import cross
from jaxfr.sweeps.plan import identify, plan_runs, take_shard
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest
from jaxfr.texts import CATALOGUES
from tests.sweeps.problem import SMALL, SYNTHETIC, changed

# Another value of every option that a program takes as a number.
NUMBERS = {
    "learning_rate": 0.3,
    "regularization": 0.2,
    "malicious_ratio": 0.2,
    "attack_start": 2,
    "expected_byzantine": 7,
    "rounds": 9,
    "eval_every": 2,
    "privacy_noise": 0.1,
    "targets": "popular:5",
    "seed": 1,
}
# And of every option that is compiled in.
STATIC = {
    "model": "mlp",
    "negatives": "resample",
    "participation": 0.5,
    "client_optimizer": "adam",
    "server_optimizer": "adam",
    "attack": "spattack_o_d",
    "aggregator": "median",
    "aggregation": "dense",
    "ranking": "full",
    "num_candidates": 50,
    "pseudo_items": 3,
    "privacy_clip": 0.5,
    "repeated_negatives": "reference",
    "metrics": "hr@10,percentile",
}
# What an option needs beside it.
NEEDS = {
    "privacy_noise": {"privacy_clip": 0.5},
    "targets": {"metrics": "er@10"},
}
SOURCES = {"dataset", "init_from"}

# One value, and another, of every option of a part: a number of the program,
PART_NUMBERS = {
    "noise_scale": ("attack", "spattack_l_s:noise_scale=1", "spattack_l_s:2"),
    "max_poisoned_items": ("attack", "spattack_o_s", "spattack_o_s:5"),
    "lie_z": ("attack", "lie:1", "lie:2"),
    "strength": ("attack", "ipm", "ipm:2"),
    "deviations": ("attack", "ua_mean", "ua_mean:2"),
    "spread": ("attack", "promote", "promote:3"),
    "length": ("attack", "knapsack", "knapsack:2"),
    "number": ("attack", "groups", "groups:2"),
    "until": ("attack", "sleeper", "sleeper:5"),
    "learning_rounds": ("attack", "mimic", "mimic:5"),
    "hardest": ("attack", "frec_attack2", "frec_attack2:0.2"),
    "variance": ("attack", "frec_attack2", "frec_attack2:variance=1"),
    "step_size": ("attack", "a_hum", "a_hum:step_size=2"),
    "quantile": ("attack", "decorrelated", "decorrelated:0.9"),
    "mining_rounds": ("attack", "pieck_uea", "pieck_uea:mining_rounds=3"),
    "steps": ("attack", "white_box", "white_box:steps=2"),
    "restarts": ("attack", "white_box", "white_box:restarts=2"),
    "bound": ("attack", "fed_rec_attack", "fed_rec_attack:1"),
    "scale": ("attack", "poison_frs", "poison_frs:2"),
    "weight": ("attack", "pip_attack", "pip_attack:2"),
    "rate": ("attack", "fed_rec_attack", "fed_rec_attack:rate=1"),
    "clip_norm": ("aggregator", "clip_by_norm+median", "clip_by_norm:2+median"),
    "limit": ("aggregator", "clip_growth+mean", "clip_growth:1+mean"),
    "factor": ("aggregator", "budget+mean", "budget:2+mean"),
    "every": ("aggregator", "overlap+mean", "overlap:every=2+mean"),
    "memory": ("aggregator", "reputation+mean", "reputation:0.5+mean"),
    "share": ("aggregator", "reputation+mean", "reputation:share=1+mean"),
    "start_round": ("aggregator", "reputation+mean", "reputation:start_round=5+mean"),
    "lower": ("aggregator", "sign_guard+mean", "sign_guard:0.2+mean"),
    "upper": ("aggregator", "sign_guard+mean", "sign_guard:upper=2+mean"),
    "confidence": ("aggregator", "fools_gold+mean", "fools_gold:2+mean"),
    "filtered": ("aggregator", "dnc+mean", "dnc:2+mean"),
    "trim_share": ("aggregator", "classic_trimmed_mean:0.1", "classic_trimmed_mean:0"),
    "kappa": ("aggregator", "shrink", "shrink:1"),
    "smoothing": ("aggregator", "geometric_median", "geometric_median:1"),
    "radius": ("aggregator", "centred_clipping", "centred_clipping:2"),
    "learning_rate": ("client_optimizer", "adam:0.1", "adam:0.2"),
}
# or compiled in; whether there is a number is, too.
PART_STATIC = {
    "embedding_dim": ("model", "fedmf:4", "fedmf:5"),
    "neighbours_per_item": ("model", "fedgnn:4", "fedgnn:4:2"),
    "scope": ("attack", "lie", "lie:scope=sparse"),
    "lie_z": ("attack", "lie", "lie:2"),
    "perturbation": ("attack", "min_max", "min_max:unit"),
    "decoys": ("attack", "groups", "groups:decoys=uniform"),
    "start": ("attack", "white_box", "white_box:start=promote"),
    "loss": ("attack", "water_filling", "water_filling:ranking"),
    "then": ("attack", "sleeper", "sleeper:then=mix"),
    "virtual_users": ("attack", "frec_attack2", "frec_attack2:virtual_users=5"),
    "popular_items": ("attack", "poison_frs", "poison_frs:popular_items=2"),
    "profile_items": ("attack", "psmu", "psmu:profile_items=9"),
    "recommended": ("attack", "psmu", "psmu:recommended=2"),
    "similar": ("attack", "psmu", "psmu:similar=2"),
    "rows": ("attack", "fed_rec_attack", "fed_rec_attack:rows=9"),
    "public_items": ("attack", "fed_rec_attack", "fed_rec_attack:public_items=2"),
    "mined_items": ("attack", "pieck_uea", "pieck_uea:mined_items=5"),
    "clip_norm": ("aggregator", "median", "clip_by_norm+median"),
    "trim_share": ("aggregator", "classic_trimmed_mean", "classic_trimmed_mean:0.1"),
    "krum_distance": ("aggregator", "krum", "krum:plain"),
    "share": ("aggregator", "multi_krum", "multi_krum:0.5"),
    "steps": ("aggregator", "geometric_median", "geometric_median:steps=5"),
    "divided_by": ("aggregator", "centred_clipping", "centred_clipping:1:all"),
    "bucket_size": ("aggregator", "bucketing+median", "bucketing:3+median"),
    "columns": ("aggregator", "overlap+mean", "overlap:64+mean"),
    "peers": ("aggregator", "overlap+mean", "overlap:peers=4+mean"),
    "learning_rate": ("server_optimizer", "adam", "adam:0.1"),
}


def test_every_option_is_a_number_compiled_in_or_data():
    assert {*NUMBERS, *STATIC, *SOURCES} == {*RUN_OPTIONS, "seed"}
    of_parts = {
        option.name
        for catalogue in CATALOGUES.values()
        for factory in catalogue.values()
        for option in factory.options
    }
    assert {*PART_NUMBERS, *PART_STATIC} == of_parts


ATTACKED = {"attack": "spattack_l_s"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(
            ({**ATTACKED, **NEEDS.get(n, {})}, {n: value})
            for n, value in NUMBERS.items()
        ),
        *(({field: one}, {field: two}) for field, one, two in PART_NUMBERS.values()),
    ],
)
def test_another_number_is_another_run_of_the_same_program(one, other):
    base = changed(**one)
    (group,) = plan_runs([base, base.replace(**other)]).groups
    assert len({run.identity for run in group.runs}) == group.size == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *((NEEDS.get(name, {}), {name: value}) for name, value in STATIC.items()),
        *(({field: one}, {field: two}) for field, one, two in PART_STATIC.values()),
    ],
)
def test_what_is_compiled_in_makes_another_group(one, other):
    base = changed(**one)
    groups = plan_runs([base, base.replace(**other)]).groups
    assert [group.size for group in groups] == [1, 1]
    assert len({run.identity for group in groups for run in group.runs}) == 2


def test_a_groups_program_has_room_for_the_most_malicious_clients_and_rounds():
    ratios = [0.1, 0.5, 0.2]
    wanted = [
        changed(attack="spattack_o_d", malicious_ratio=ratio, rounds=5 + index)
        for index, ratio in enumerate(ratios)
    ]
    (group,) = plan_runs(wanted).groups
    assert group.malicious_clients == 40
    assert group.rounds == 7
    assert [run.experiment.malicious_clients for run in group.runs] == [4, 40, 10]


def test_where_clients_send_rows_of_their_own_no_run_has_four_times_its_room():
    ratios = [0.025, 0.1, 0.5, 0.2, 0.6]
    wanted = [changed(attack="gaussian", malicious_ratio=ratio) for ratio in ratios]
    groups = plan_runs(wanted).groups
    found = [
        [run.recorded["malicious_clients"] for run in group.runs] for group in groups
    ]
    assert found == [[1], [4], [40, 60], [10]]
    assert [group.malicious_clients for group in groups] == [1, 4, 60, 10]


def test_runs_of_one_schedule_stand_together():
    wanted = cross(
        {
            **{name: [SMALL.value(name)] for name in RUN_OPTIONS},
            "rounds": [3, 6],
            "learning_rate": [0.1, 0.2],
        }
    )
    (group,) = plan_runs(wanted[::-1]).groups
    assert [run.request.rounds for run in group.runs] == [3, 3, 6, 6]


def test_runs_that_only_differ_in_the_name_of_the_same_data_are_one(tmp_path):
    rows = "".join(f"u{u},i{i}\n" for u in range(6) for i in range(u, 9))
    wanted = []
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text(rows)
        wanted.append(RunRequest(dataset=str(tmp_path / name)).replace(ranking="full"))
    one, two = plan_runs(wanted).runs
    assert one.identity == two.identity
    assert [run.recorded["dataset"] for run in (one, two)] == ["one", "two"]


def test_a_run_is_what_its_record_says_but_for_names_of_data():
    (run,) = plan_runs([SMALL]).runs
    deciding = {
        name: value
        for name, value in run.recorded.items()
        if name not in {"run", "num_ranked", "code_version", "flags", *SOURCES}
    }
    assert run.identity == run_identity(deciding, run.recorded["code_version"])


def test_options_of_parts_that_a_run_does_not_use_have_no_part_in_it():
    """An attack or a rule that is new leaves the runs without it what they are."""
    (run,) = plan_runs([SMALL]).runs
    of_others = {*PART_NUMBERS, *PART_STATIC} - {"embedding_dim", "learning_rate"}
    assert run.recorded.keys().isdisjoint(of_others)
    assert run.recorded["embedding_dim"] == 4


def test_a_record_tells_its_options_data_and_code():
    (run,) = plan_runs([SMALL]).runs
    assert run.recorded["run"] == run.identity
    assert run.identity.endswith(run.recorded["code_version"])
    assert run.recorded["dataset"] == SYNTHETIC
    assert len(run.recorded["dataset_hash"]) == 16
    assert run.recorded["seed"] == SMALL.seed


def test_a_run_without_meaning_is_refused_before_data_are_loaded():
    late = RunRequest(dataset="nowhere", rounds=3).replace(
        attack="spattack_o_d", attack_start=3
    )
    with pytest.raises(InvalidInputError, match="attack_start"):
        plan_runs([late])


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
    shared = [run.identity for shard in shards for run in shard.runs]
    assert sorted(shared) == sorted(run.identity for run in plan.runs)
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
        norm.replace(aggregator="norm:clip_norm=1"),
        changed(),
        changed(seed=1),
    ]
    plan = plan_runs(wanted)
    names = identify(plan, wanted)
    assert names[0] == names[2]
    assert names[1] == names[4]
    assert set(names) == {run.identity for run in plan.runs}
    by_run = {run.identity: run.request for run in plan.runs}
    assert by_run[names[3]] == changed()
    assert len(set(names)) == 3

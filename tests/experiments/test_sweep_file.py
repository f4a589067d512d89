import json

import pytest

from experiments.sweep_file import read_sweep_file
from jaxfr.errors import InvalidInputError

TOML = """
seeds = "0:3"
[grid]
aggregator = ["mean", "median"]
clip_norm = ["none", 1]
[[list]]
attack = "none"
[[list]]
attack = ["spattack_o_d", "spattack_l_d"]
malicious_ratio = [0.03, 0.05]
"""
CONTENT = {
    "seeds": [0, 1, 2],
    "grid": {"aggregator": ["mean", "median"], "clip_norm": ["none", 1.0]},
    "list": [
        {"attack": "none"},
        {"attack": ["spattack_o_d", "spattack_l_d"], "malicious_ratio": [0.03, 0.05]},
    ],
}


def test_toml_and_json_say_the_same(tmp_path):
    (tmp_path / "a.toml").write_text(TOML)
    (tmp_path / "b.json").write_text(json.dumps(CONTENT))
    found = read_sweep_file(tmp_path / "a.toml")
    assert found == read_sweep_file(tmp_path / "b.json")
    assert found.seeds == (0, 1, 2)
    assert found.grid == {"aggregator": ("mean", "median"), "clip_norm": (None, 1.0)}
    assert found.alternatives == (
        {"attack": ("none",)},
        {"attack": ("spattack_o_d", "spattack_l_d"), "malicious_ratio": (0.03, 0.05)},
    )


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    (tmp_path / "a.toml").write_text("seeds = 3\n", encoding="utf-8-sig")
    (tmp_path / "b.json").write_text('{"seeds": 3}', encoding="utf-8-sig")
    for name in ("a.toml", "b.json"):
        assert read_sweep_file(tmp_path / name).seeds == (3,)


def test_what_a_file_does_not_name_is_left_open(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    assert read_sweep_file(tmp_path / "a.json") == ({}, (), None)


def test_whole_numbers_serve_settings_that_take_fractions(tmp_path):
    (tmp_path / "a.toml").write_text("[grid]\nlearning_rate = 1\nrounds = 5\n")
    grid = read_sweep_file(tmp_path / "a.toml").grid
    assert grid == {"learning_rate": (1.0,), "rounds": (5,)}
    assert isinstance(grid["learning_rate"][0], float)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "", "must end in .toml or .json"),
        ("a.toml", "[grid", "a.toml: "),
        ("a.json", "{", "a.json: "),
        ("a.json", "[]", "must hold a table"),
        ("a.json", "[" * 10**5, "is nested too deeply"),
        ("a.toml", "[grid]\na = " + "[" * 10**5, "a.toml: "),
        ("a.toml", "learning_rate = 0.1", "learning_rate: is none of seeds, grid"),
        ("a.toml", "[grid]\nlearningrate = 0.1", "learningrate: is no setting"),
        ("a.toml", "[grid]\nseed = 1", "seed: is no setting"),
        ("a.toml", '[grid]\nrounds = "many"', "rounds='many'"),
        ("a.toml", "[grid]\nrounds = 0.5", "rounds=0.5"),
        ("a.toml", "[grid]\nrounds = []", "rounds: has no value"),
        (
            "a.toml",
            "[grid]\nclip_norm = inf",
            "clip_norm=inf: must be a number",
        ),
        ("a.toml", "[grid]\nlie_z = nan", "lie_z=nan: must be a number at least"),
        ("a.toml", "[grid]\nnoise_scale = 1e39", "noise_scale=1e+39: must be"),
        ("a.toml", "[grid]\nrounds = 3000000000", "rounds=3000000000: must be"),
        ("a.toml", "[grid]\nrounds = [[1]]", "must be text or a number"),
        ("a.toml", '[grid]\naggregator = "sum"', "aggregator='sum'"),
        ("a.toml", "[list]\nrounds = 1", "list: must be a list of tables"),
        ("a.json", '{"list": [1]}', "list: must hold settings"),
        ("a.toml", 'seeds = "1:1"', "seeds='1:1'"),
    ],
)
def test_a_mistake_is_told_with_the_files_name(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInputError) as caught:
        read_sweep_file(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert message in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidInputError, match=r"missing\.toml"):
        read_sweep_file(tmp_path / "missing.toml")

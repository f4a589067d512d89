"""Files that describe a sweep say what flags say, and no code."""

import json

import pytest

from jaxfr.aggregators import chain, clip_by_norm, mean, median
from jaxfr.attacks import none, spattack_l_d, spattack_o_d
from jaxfr.errors import InvalidInputError
from jaxfr.programs.sweep_file import read_sweep_file

TOML = """
seeds = "0:3"
[grid]
aggregator = ["mean", "clip_by_norm:0.5+median"]
privacy_clip = ["none", 1]
rounds = 5
[[list]]
attack = "none"
[[list]]
attack = ["spattack_o_d", "spattack_l_d:noise_scale=2"]
malicious_ratio = [0.03, 0.05]
"""
CONTENT = {
    "seeds": [0, 1, 2],
    "grid": {
        "aggregator": ["mean", "clip_by_norm:0.5+median"],
        "privacy_clip": ["none", 1.0],
        "rounds": [5],
    },
    "list": [
        {"attack": "none"},
        {
            "attack": ["spattack_o_d", "spattack_l_d:noise_scale=2"],
            "malicious_ratio": [0.03, 0.05],
        },
    ],
}


def refusal(path) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read_sweep_file(path)
    told = str(caught.value)
    assert str(path) in told
    return told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_toml_and_json_say_the_same(tmp_path, encoding):
    (tmp_path / "a.toml").write_text(TOML, encoding)
    (tmp_path / "b.json").write_text(json.dumps(CONTENT), encoding)
    found = read_sweep_file(tmp_path / "a.toml")
    assert found == read_sweep_file(tmp_path / "b.json")
    assert found.seeds == (0, 1, 2)
    assert found.grid == {
        "aggregator": (mean(), chain(clip_by_norm(0.5), median())),
        "privacy_clip": (None, 1.0),
        "rounds": (5,),
    }
    # A whole number serves where fractions are taken.
    assert isinstance(found.grid["privacy_clip"][1], float)
    assert found.alternatives == (
        {"attack": (none(),)},
        {
            "attack": (spattack_o_d(), spattack_l_d(2.0)),
            "malicious_ratio": (0.03, 0.05),
        },
    )


def test_what_a_file_does_not_name_is_left_open(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    assert read_sweep_file(tmp_path / "a.json") == ({}, (), None)


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
        ("a.toml", "[gird]\nrounds = 1", "stand in grid or list; did you mean grid?"),
        ("a.toml", "[list]\nrounds = 1", "list: must be a list of tables"),
        ("a.json", '{"list": [1]}', "list: must hold options"),
        ("a.toml", 'seeds = "1:1"', "seeds='1:1'"),
    ],
)
def test_what_is_no_sweep_is_told_with_the_files_name(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    assert message in refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learningrate = 0.1", "learningrate: is no option; did you mean learning"),
        ("seed = 1", "seed: is no option"),
        ('rounds = "many"', "rounds='many'"),
        ("rounds = 0.5", "rounds='0.5'"),
        ("rounds = []", "rounds: has no value"),
        ("rounds = 3000000000", "rounds=3000000000: must be"),
        ("rounds = [[1]]", "must be text or a number"),
        ("privacy_clip = inf", "privacy_clip=inf: must be a number"),
        ('attack = "lie:nan"', "lie_z=nan: must be a number at least"),
        ('attack = "spattack_l_d:noise_scale=1e39"', "noise_scale=1e+39: must be"),
        ('aggregator = "sum"', "aggregator='sum'"),
        ("lie_z = 1", "is an option of lie, byz_mean, and is written with its part"),
        ("noise_scale = 1", "as in attack=spattack_l_d:noise_scale=..."),
        ("clip_norm = 1", "as in aggregator=norm:clip_norm=..."),
        ("trim_share = 1", "as in aggregator=classic_trimmed_mean:trim_share=..."),
        ("embedding_dim = 1", "as in model=fedmf:embedding_dim=..."),
    ],
)
def test_a_wrong_option_or_value_is_told(tmp_path, text, message):
    (tmp_path / "a.toml").write_text(f"[grid]\n{text}\n")
    assert message in refusal(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("attack", "./mine.py:f"),
        ("aggregator", "clip_by_norm+./mine.py:f"),
        ("model", "/tmp/mine.py:f:4"),
        ("server_optimizer", "mine.py:f"),
        ("metrics", "hr@10,./mine.py:f"),
        ("dataset", "./mine.py:f"),
    ],
)
def test_a_file_may_not_name_code(tmp_path, monkeypatch, option, value):
    """Files are handed on; whoever runs one may not expect code in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("raise SystemExit('was run')\n")
    (tmp_path / "a.json").write_text(json.dumps({"grid": {option: [value]}}))
    (tmp_path / "b.json").write_text(json.dumps({"list": [{option: value}]}))
    for name in ("a.json", "b.json"):
        told = refusal(tmp_path / name)
        assert f"{name}: {option}=" in told
        assert "code is named on the command line or in Python" in told


def test_a_missing_file_is_named(tmp_path):
    refusal(tmp_path / "missing.toml")

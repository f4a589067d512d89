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
    },
    "list": [
        {"attack": "none"},
        {
            "attack": ["spattack_o_d", "spattack_l_d:noise_scale=2"],
            "malicious_ratio": [0.03, 0.05],
        },
    ],
}


def test_toml_and_json_say_the_same(tmp_path):
    (tmp_path / "a.toml").write_text(TOML)
    (tmp_path / "b.json").write_text(json.dumps(CONTENT))
    found = read_sweep_file(tmp_path / "a.toml")
    assert found == read_sweep_file(tmp_path / "b.json")
    assert found.seeds == (0, 1, 2)
    assert found.grid == {
        "aggregator": (mean(), chain(clip_by_norm(0.5), median())),
        "privacy_clip": (None, 1.0),
    }
    assert found.alternatives == (
        {"attack": (none(),)},
        {
            "attack": (spattack_o_d(), spattack_l_d(2.0)),
            "malicious_ratio": (0.03, 0.05),
        },
    )


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    (tmp_path / "a.toml").write_text("seeds = 3\n", encoding="utf-8-sig")
    (tmp_path / "b.json").write_text('{"seeds": 3}', encoding="utf-8-sig")
    for name in ("a.toml", "b.json"):
        assert read_sweep_file(tmp_path / name).seeds == (3,)


def test_what_a_file_does_not_name_is_left_open(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    assert read_sweep_file(tmp_path / "a.json") == ({}, (), None)


def test_whole_numbers_serve_options_that_take_fractions(tmp_path):
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
        (
            "a.toml",
            "[grid]\nlearningrate = 0.1",
            "learningrate: is no option; did you mean learning_rate?",
        ),
        ("a.toml", "[grid]\nseed = 1", "seed: is no option"),
        ("a.toml", '[grid]\nrounds = "many"', "rounds='many'"),
        ("a.toml", "[grid]\nrounds = 0.5", "rounds='0.5'"),
        ("a.toml", "[grid]\nrounds = []", "rounds: has no value"),
        (
            "a.toml",
            "[grid]\nprivacy_clip = inf",
            "privacy_clip=inf: must be a number",
        ),
        (
            "a.toml",
            '[grid]\nattack = "lie:nan"',
            "lie_z=nan: must be a number at least",
        ),
        (
            "a.toml",
            '[grid]\nattack = "spattack_l_d:noise_scale=1e39"',
            "noise_scale=1e+39: must be",
        ),
        ("a.toml", "[grid]\nrounds = 3000000000", "rounds=3000000000: must be"),
        ("a.toml", "[grid]\nrounds = [[1]]", "must be text or a number"),
        ("a.toml", '[grid]\naggregator = "sum"', "aggregator='sum'"),
        ("a.toml", "[list]\nrounds = 1", "list: must be a list of tables"),
        ("a.json", '{"list": [1]}', "list: must hold options"),
        ("a.toml", 'seeds = "1:1"', "seeds='1:1'"),
    ],
)
def test_a_mistake_is_told_with_the_files_name(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInputError) as caught:
        read_sweep_file(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "part", "written"),
    [
        ("lie_z", "lie", "attack=lie:lie_z=..."),
        ("noise_scale", "spattack_l_d", "attack=spattack_l_d:noise_scale=..."),
        ("clip_norm", "clip_by_norm", "aggregator=norm:clip_norm=..."),
        ("trim_share", "classic_trimmed_mean", "aggregator=classic_trimmed_mean:trim"),
        ("embedding_dim", "fedgnn", "model=fedmf:embedding_dim=..."),
    ],
)
def test_an_option_of_a_part_is_answered_with_where_it_is_written(
    tmp_path, name, part, written
):
    (tmp_path / "a.toml").write_text(f"[grid]\n{name} = 1\n")
    with pytest.raises(InvalidInputError) as caught:
        read_sweep_file(tmp_path / "a.toml")
    told = str(caught.value)
    assert f"{name}: is an option of " in told
    assert part in told
    assert f"is written with its part, as in {written}" in told


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
        with pytest.raises(InvalidInputError) as caught:
            read_sweep_file(tmp_path / name)
        assert f"{name}: {option}=" in str(caught.value)
        assert "code is named on the command line or in Python" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidInputError, match=r"missing\.toml"):
        read_sweep_file(tmp_path / "missing.toml")

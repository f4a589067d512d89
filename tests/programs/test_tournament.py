"""The tournament program: runs that are resumed, a page, and entries with errata."""

import csv
import json
import pathlib

import pytest

from tests.programs.programs import Ended, assert_refused, run
from tests.tournament.samples import SUITE, fields

DEFENSES = ("mean", "trimmed_mean", "clip_by_norm:clip_norm=1+mean")


@pytest.fixture(scope="module")
def suite(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("suite") / "small.json"
    path.write_text(json.dumps(fields() | {"aggregator": DEFENSES[1:]}))
    return str(path)


def tournament(suite: str, folder: pathlib.Path, *arguments: str) -> Ended:
    return run("tournament", f"--suite={suite}", f"--output_dir={folder}", *arguments)


def rows_of(path: pathlib.Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def played(suite, tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("played")
    done = tournament(suite, folder, f"--entries_dir={folder / 'entries'}")
    assert done.returncode == 0, done.stderr
    # Clean runs of two defenses serve both shares.
    assert "36 trials in 32 runs of" in done.stdout
    return folder


def test_every_trial_has_a_row_and_every_defense_a_standing(played):
    trials = rows_of(played / "trials.csv")
    assert len(trials) == 36
    assert {row["attack"] for row in trials} == {"none", *SUITE.attack}
    standings = rows_of(played / "standings.csv")
    of_metric = [row for row in standings if row["metric"] == "hr@10"]
    assert {row["aggregator"] for row in of_metric} == set(DEFENSES)
    for row in of_metric:
        attacked: dict[str, list[float]] = {}
        for one in trials:
            same = all(
                one[name] == row[name] for name in ("aggregator", "malicious_ratio")
            )
            if same and one["attack"] != "none":
                attacked.setdefault(one["seed"], []).append(float(one["hr@10"]))
        worst = sum(map(min, attacked.values())) / len(attacked)
        assert float(row["worst"]) == pytest.approx(worst)


def test_the_page_shows_all_of_it_with_its_command_and_pictures(played):
    page = (played / "README.md").read_text(encoding="utf-8")
    assert "jaxfr tournament --suite=" in page
    for text in ("## synthetic", "### 5 % malicious", "### 10 % malicious", "HR@10"):
        assert text in page
    shown = {part.split(")")[0] for part in page.split("](")[1:]}
    assert len(shown) == 3  # two heatmaps, and the worst cases over the share
    for name in shown:
        assert (played / name).read_bytes().startswith(b"\x89PNG")


def test_each_defense_has_an_entry_of_the_suite(played):
    found = sorted(path.name for path in (played / "entries").glob("*.json"))
    assert found == ["clip_by_norm-clip_norm=1-mean.json", "trimmed_mean.json"]
    entry = json.loads((played / "entries" / "trimmed_mean.json").read_text())
    assert (entry["suite"], entry["suite_hash"]) == ("small", SUITE.hash)
    page = (played / "entries" / "README.md").read_text(encoding="utf-8")
    assert "trimmed\\_mean" in page
    assert "Errata" not in page


def test_what_is_played_is_not_played_again_and_another_attack_is_entered(
    suite, played, tmp_path
):
    (tmp_path / "entries").mkdir()
    for path in (played / "entries").iterdir():
        (tmp_path / "entries" / path.name).write_bytes(path.read_bytes())
    played_again = (
        suite,
        tmp_path,
        f"--store={played / 'store'}",
        f"--entries_dir={tmp_path / 'entries'}",
        "--aggregator=trimmed_mean",
        "--attack=experiments/examples/shrink_items.py:shrink_items:strength=30",
    )
    done = tournament(*played_again)
    assert done.returncode == 0, done.stderr
    assert ", 22 of them finished" in done.stdout
    assert "kept " not in done.stdout
    entry = json.loads((tmp_path / "entries" / "trimmed_mean.json").read_text())
    assert len(entry["attacks"]) == 1
    done = tournament(*played_again, "--overwrite")
    assert f"kept {tmp_path / 'entries' / 'trimmed_mean.json'}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--quick"], "quick: is a suite of its own"),
        (["--aggregator=mena"], "did you mean mean"),
        (["--attack=lei"], "did you mean lie"),
        (["--malicious_ratio=1.5"], "malicious_ratio"),
        (["--entries_dir=runs/e", "--seeds=0:1"], "entries are made with what suite"),
        (["--entries_dir=runs/e", "--dataset=steam"], "entries are made with"),
        (["--aggregator=clip_adaptive"], "must end with a rule"),
        (["--seeds=x"], "seeds='x'"),
    ],
)
def test_a_mistake_is_told_before_anything_is_run(suite, tmp_path, arguments, told):
    assert_refused(tournament(suite, tmp_path, *arguments), told)


def test_two_data_sets_of_one_name_are_refused(suite, tmp_path):
    paths = [tmp_path / folder / "log.csv" for folder in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.write_text("1,2\n1,3\n2,2\n")
    refused = tournament(suite, tmp_path, f"--dataset={paths[0]},{paths[1]}")
    assert_refused(refused, f"dataset: {paths[0]} and {paths[1]} have the same name")


def test_without_a_folder_there_is_no_tournament(suite):
    assert_refused(run("tournament", f"--suite={suite}"), "output_dir")

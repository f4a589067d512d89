"""Summaries of a result store, as the program prints and writes them."""

import csv
import importlib
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import pytest

from jaxfr.records import heatmap
from jaxfr.store import open_store
from jaxfr.sweeps.request import RunRequest
from tests.programs.programs import Ended, assert_refused, instead, jaxfr, run
from tests.records.whole import older_record, whole_record

parquet: Any = importlib.import_module("pyarrow.parquet")

SEEDS = (0, 1)
HIT_RATIOS = {
    ("mean", "none"): 0.5,
    ("mean", "spattack_o_d"): 0.25,
    ("mean", "spattack_l_s"): 0.125,
    ("median", "none"): 0.375,
    ("median", "spattack_o_d"): 0.25,
}
METRIC_FILES, FORMATS = ("hr_at_10", "seconds_train"), ("png", "pdf", "svg")


def record(aggregator: str, attack: str, seed: int, value: float, **others) -> dict:
    code = others.pop("code_version", "aaaa0000")
    place = list(HIT_RATIOS).index((aggregator, attack))
    # Whatever is found is better than chance and than the most popular items.
    beside = {name: {"hr@10": 0.01} for name in ("chance", "most_popular")}
    metrics = {"hr@5": value / 2, "ndcg@5": 0.1, "hr@10": value, "ndcg@10": 0.2}
    return (
        whole_record(
            run=f"{100 * place + seed:016x}-{code}",
            aggregator=aggregator,
            attack=attack,
            seed=seed,
            code_version=code,
            # No setting but what one came to, and so no grouping by itself.
            max_poisoned_items_used=100 + seed,
            curve=[{"round": finished, **metrics} for finished in (0, 5, 10)],
        )
        | metrics
        | beside
        | others
    )


def results(*arguments: str, program: Callable[[], None] = jaxfr) -> Ended:
    return run("results", *arguments, program=program)


def without_matplotlib() -> None:
    sys.modules["matplotlib.figure"] = None  # type: ignore[assignment]
    jaxfr()


def with_a_defect() -> None:
    heatmap.draw_heatmap = None  # type: ignore[assignment]
    jaxfr()


def read_csv(path: pathlib.Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def kept(folder: pathlib.Path, *records: dict) -> str:
    """A new store of records, as a flag."""
    with open_store(folder / "store") as store:
        if records:
            store.append(records)
    return f"--store={folder / 'store'}"


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    """Two runs of each kind, one of them also by older code that found nothing."""
    older = {"code_version": "bbbb0000", "finished": "2025-01-01T00:00:00+00:00"}
    return kept(
        tmp_path_factory.mktemp("results"),
        *(
            record(aggregator, attack, seed, value + seed / 64)
            for (aggregator, attack), value in HIT_RATIOS.items()
            for seed in SEEDS
        ),
        record("mean", "none", 0, 0.0, **older),
    )


@pytest.fixture(scope="module")
def written(store, tmp_path_factory) -> pathlib.Path:
    """What the program writes if it is asked for everything."""
    folder = tmp_path_factory.mktemp("written") / "all"
    done = results(
        store,
        "--metric=hr@10,seconds_train",
        f"--output_dir={folder}",
        f"--export={folder}/runs.parquet",
        f"--export_curves={folder}/curves.csv",
    )
    assert (done.returncode, done.stderr) == (0, "")
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("summary.csv", "worst_case.csv", "runs.parquet", "curves.csv"),
        *("differences.csv", *(f"table_{metric}.tex" for metric in METRIC_FILES)),
        *(f"table_{metric}.md" for metric in METRIC_FILES),
        *(f"heatmap_{metric}.{form}" for metric in METRIC_FILES for form in FORMATS),
        *(f"curves_hr_at_10.{form}" for form in FORMATS),
    }
    pictures = {name for name in names if name.endswith(FORMATS[1:])}
    assert all(name in done.stdout for name in names - pictures)
    assert f"wrote into {folder}:" in " ".join(done.stdout.split())
    assert done.stdout.count(".png .pdf .svg") == 3
    return folder


def test_by_default_runs_are_grouped_by_what_differs_with_the_attack_last(store):
    done = results(store)
    assert (done.returncode, done.stderr) == (0, "")
    summary, worst, notes = done.stdout.strip().split("\n\n")
    assert [line.split()[:4] for line in summary.splitlines()] == [
        ["aggregator", "attack", "runs", "HR@10"],
        ["mean", "clean", "2", "0.5078"],
        ["mean", "spattack_o_d", "2", "0.2578"],
        ["mean", "spattack_l_s", "2", "0.1328"],
        ["median", "clean", "2", "0.3828"],
        ["median", "spattack_o_d", "2", "0.2578"],
        ["chance", "0.0100"],
        ["most", "popular", "0.0100"],
    ]
    assert [line.split() for line in worst.splitlines()[1:]] == [
        [defense, clean, "±", half, attack, "(of", of, mean, "±", half, change, "%)"]
        for half in ["0.0993"]
        for defense, clean, attack, of, mean, change in (
            ("mean", "0.5078", "spattack_l_s", "2)", "0.1328", "(-74"),
            ("median", "0.3828", "spattack_o_d", "1)", "0.2578", "(-33"),
        )
    ]
    assert "± half of their 95 % interval by Student's t" in notes


def test_a_summary_has_a_row_for_each_metric_and_group(written):
    rows = read_csv(written / "summary.csv")
    assert len(rows) == 2 * len(HIT_RATIOS)
    first = rows[0]
    assert (first["aggregator"], first["attack"]) == ("mean", "none")
    assert (first["metric"], first["runs"]) == ("hr@10", "2")
    assert float(first["mean"]) == 0.5 + 1 / 128
    # The t quantile of one degree of freedom is 12.7062; s / sqrt(2) is 1 / 128.
    assert float(first["high"]) == pytest.approx(0.5 + (1 + 12.7062) / 128)
    assert {row["mean"] for row in rows if row["metric"] == "seconds_train"} == {"1.5"}


def test_a_worst_case_is_written_for_each_metric_and_defense(written):
    rows = read_csv(written / "worst_case.csv")
    found = [(row["aggregator"], row["metric"], row["worst_attack"]) for row in rows]
    assert found == [
        ("mean", "hr@10", "spattack_l_s"),
        ("median", "hr@10", "spattack_o_d"),
        ("mean", "seconds_train", "spattack_o_d"),
        ("median", "seconds_train", "spattack_o_d"),
    ]


def test_runs_and_their_evaluations_are_exported_a_row_for_each(written):
    rows = parquet.read_table(written / "runs.parquet").to_pylist()
    assert len(rows) == len(HIT_RATIOS) * len(SEEDS)
    assert [row["seed"] for row in rows[:2]] == [0, 1]
    assert rows[1]["hr@10"] == 0.5 + 1 / 64
    assert (rows[0]["init_from"], rows[0]["seconds_train"]) == (None, 1.5)
    assert rows[0]["version_jax"] == "0.10.2"
    rows = read_csv(written / "curves.csv")
    assert len(rows) == len(HIT_RATIOS) * len(SEEDS) * 3
    assert [row["round"] for row in rows[:2]] == ["0", "5"]
    assert {"run", "attack", "learning_rate", "seed", "ndcg@5"} <= rows[0].keys()


def test_files_are_replaced_only_if_that_is_asked_for(store, written):
    before = (written / "summary.csv").read_bytes()
    only_mean = (store, "--where=attack=none", f"--output_dir={written}")
    assert_refused(results(*only_mean), "--overwrite")
    exported = (*only_mean[:2], f"--export={written}/runs.parquet")
    assert_refused(results(*exported), "--overwrite")
    assert (written / "summary.csv").read_bytes() == before


def test_a_worst_case_of_earlier_runs_does_not_stay_behind(store, tmp_path):
    arguments = (store, f"--output_dir={tmp_path}", "--group_by=attack")
    assert results(*arguments).returncode == 0
    assert (tmp_path / "worst_case.csv").exists()
    assert results(*arguments, "--where=attack=none", "--overwrite").returncode == 0
    assert not (tmp_path / "worst_case.csv").exists()


def test_defenses_are_compared_over_the_same_seeds(store, written):
    done = results(store, "--compare=aggregator")
    told = [line.split()[:6] for line in done.stdout.splitlines() if " - " in line]
    # No run of the median was under spattack_l_s.
    assert told == [
        ["clean", "mean", "-", "median", "2", "+0.1250"],
        ["spattack_o_d", "mean", "-", "median", "2", "+0.0000"],
    ]
    rows = read_csv(written / "differences.csv")
    assert [float(row["mean"]) for row in rows[:2]] == [0.125, 0]
    marked = [row["marked"] for row in read_csv(written / "summary.csv")]
    assert marked[:5] == ["best", "", "", "worst", ""]


def test_a_picture_of_earlier_runs_stays_until_another_replaces_it(store, tmp_path):
    arguments = (store, f"--output_dir={tmp_path}", "--overwrite")
    (tmp_path / "heatmap_hr_at_10.png").write_bytes(b"drawn")
    failed = results(*arguments, program=with_a_defect)
    assert "TypeError" in failed.stderr
    assert (tmp_path / "heatmap_hr_at_10.png").read_bytes() == b"drawn"


def test_conditions_choose_runs_and_other_settings_are_named(store):
    done = results(store, "--where=attack=none", "--group_by=attack")
    assert done.stdout.splitlines()[1].split()[:3] == ["clean", "4", "0.4453"]
    assert "Averaged over runs that differ in aggregator, besides" in done.stdout


@pytest.mark.parametrize(
    ("version", "mean"), [("latest", "0.5078"), ("all", "0.3828"), ("bb", "0.0000")]
)
def test_versions_of_the_code_are_chosen(store, version, mean):
    done = results(
        store,
        "--where=aggregator=mean",
        "--where=attack=none",
        f"--code_version={version}",
    )
    assert done.stdout.splitlines()[1].split()[2] == mean
    assert ("differ in code_version" in done.stdout) == (version == "all")


def test_without_matplotlib_all_but_the_pictures_is_written(store, tmp_path):
    arguments = (store, f"--output_dir={tmp_path}")
    done = results(*arguments, program=without_matplotlib)
    assert (done.returncode, done.stderr) == (0, "")
    assert "jaxfr[plots]" in done.stdout
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        *("summary.csv", "worst_case.csv", "differences.csv"),
        *("table_hr_at_10.tex", "table_hr_at_10.md"),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--where=atack=none"], "'atack' is no column"),
        (["--where=attack=nothing"], "there are none, spattack_o_d, spattack_l_s"),
        (["--group_by="], "group_by: name one"),
        (["--group_by=attack,attack"], "group_by: name one, or several distinct"),
        (["--group_by=agregator"], "'agregator' is no column"),
        (["--metric=hr@20"], "'hr@20' is no column"),
        (["--metric=attack"], "must be a number"),
        (["--code_version=cc"], "the beginning of aaaa0000, bbbb0000"),
        (["--compare=agregator"], "aggregator, attack; did you mean aggregator?"),
        (["--columns=seed"], "must be one of the groupings, aggregator, attack"),
        (["--export=runs.json"], "must end in .csv or .parquet"),
        (["--export=/tmp/a.csv", "--export_curves=/tmp/a.csv"], "need two"),
        (["--store=/nowhere"], "/nowhere"),
        (["--store="], "store"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(store, arguments, message):
    assert_refused(results(*instead([store], *arguments)), message)


def summary_of(done: Ended, columns: int) -> list[list[str]]:
    assert (done.returncode, done.stderr) == (0, "")
    summary, *_ = done.stdout.strip().split("\n\n")
    return [line.split()[:columns] for line in summary.splitlines()]


def test_runs_of_earlier_versions_are_grouped_by_what_differs(tmp_path):
    """They have the options of all parts, used or not."""
    different = [(1.5, 0), (1.5, 1), (3.0, 0), (3.0, 1)]
    older = [
        older_record(run=f"{place:016x}-aaaa0000", lie_z=lie_z, seed=seed)
        for place, (lie_z, seed) in enumerate(different)
    ]
    assert summary_of(results(kept(tmp_path, *older)), 3) == [
        ["lie_z", "runs", "HR@10"],
        ["1.5", "2", "0.1500"],
        ["3", "2", "0.1500"],
        ["chance", "0.1000"],
        ["most", "popular", "0.3000"],
    ]


def test_options_of_attacks_leave_them_beside_the_clean_runs(tmp_path):
    """Neither do seconds, which differ from run to run, make groups."""
    clean = RunRequest()
    requests = [
        *(clean, clean.replace(aggregator="krum")),
        *(clean.replace(attack="lie:1.5"), clean.replace(attack="spattack_l_d")),
    ]
    records = [
        whole_record(
            request,
            run=f"{place:016x}-aaaa0000",
            seconds={"compile": 3.0 + place, "train": place / 4},
            finished=f"2026-11-24T13:00:0{place}+00:00",
            users_head=900,
        )
        for place, request in enumerate(requests)
    ]
    done = results(kept(tmp_path, *records))
    assert summary_of(done, 3) == [
        ["aggregator", "attack", "runs"],
        ["mean", "clean", "1"],
        ["mean", "lie", "1"],
        ["mean", "spattack_l_d", "1"],
        ["krum", "clean", "1"],
        ["chance", "0.1250"],
        ["most", "popular", "0.1875"],
    ]
    worst = done.stdout.split("\n\n")[1]
    assert worst.splitlines()[1].split()[:3] == ["mean", "0.2500", "lie"]


def test_runs_of_own_parts_and_foreign_fields_are_summarised(tmp_path):
    records = [
        whole_record(
            run=f"{place:016x}-aaaa0000",
            users_head=900,
            aggregator=aggregator,
            own_files={"mine.py": f"{place:016x}"},
            something_new={"of": ["any", place]},
        )
        for place, aggregator in enumerate(["mine.py:a", "mine.py:b"])
    ]
    store = kept(tmp_path, *records)
    grouped = results(store, "--group_by=aggregator")
    assert summary_of(grouped, 2)[1] == ["mine.py:a", "1"]
    assert summary_of(results(store), 1)


def test_an_empty_store_is_a_mistake(tmp_path):
    assert_refused(results(kept(tmp_path)), "holds no runs yet")

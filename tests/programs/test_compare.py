"""Defenses side by side, as the program prints, draws and writes them."""

import csv
import pathlib
import sys

import pytest

from jaxfr.sweeps import group
from jaxfr.training import compiled
from tests.programs.programs import TINY, assert_refused, instead, jaxfr, lines, run

ATTACK = "experiments/examples/shrink_items.py:shrink_items:strength=3"
FLAGS = (
    *TINY,
    "--defenses=median,clip_by_norm:0.5+mean",
    f"--attacks=spattack_o_d,{ATTACK}",
    "--seeds=0:2",
)
DEFENSES = ["mean", "median", "clip_by_norm:clip_norm=0.5+mean"]


def compare(*arguments, program=jaxfr, **others):
    return run("compare", *arguments, program=program, **others)


def without_extras() -> None:
    for name in ("jinja2", "matplotlib.figure"):
        sys.modules[name] = None  # type: ignore[assignment]
    jaxfr()


def out_of_memory() -> None:
    """Nothing that is not in the store yet fits."""
    group.available_memory = compiled.available_memory = lambda: 1
    jaxfr()


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "out"
    done = compare(*FLAGS, f"--output_dir={folder}")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def rows_of(path: pathlib.Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_defense_meets_every_attack_beside_the_clean_run_and_no_defense(compared):
    folder, said = compared
    assert said.startswith("18 runs of 9 programs, 0 of them finished\n")
    rows = rows_of(folder / "summary.csv")
    (clean, attack, own) = dict.fromkeys(row["attack"] for row in rows)
    assert (clean, attack, own.rpartition("/")[2]) == (
        *("none", "spattack_o_d"),
        "shrink_items.py:shrink_items:strength=3.0",
    )
    assert {row["metric"] for row in rows} == {"hr@10", "ndcg@10"}
    of_hr = [row["aggregator"] for row in rows if row["metric"] == "hr@10"]
    assert of_hr == [defense for defense in DEFENSES for _ in range(3)]
    assert {row["runs"] for row in rows} == {"2"}


def test_it_prints_a_table_and_the_worst_case_of_each_defense(compared):
    folder, said = compared
    title, table, *_ = said.partition("finished\n")[2].split("\n\n")
    told = "FedMF, 10 % malicious, 6 rounds, 2 seeds, sampled ranking"
    assert " ".join(title.split()).endswith(told)
    assert table.splitlines()[0].split()[:3] == ["aggregator", "clean", "spattack_o_d"]
    assert [line.split()[0] for line in table.splitlines()[-3:]] == DEFENSES
    of_hr = [r for r in rows_of(folder / "worst_case.csv") if r["metric"] == "hr@10"]
    assert [row["aggregator"] for row in of_hr] == DEFENSES
    for row in of_hr:
        assert f"{float(row['mean']):.4f} ±" in said


def test_what_it_writes_is_for_a_paper_and_for_a_look(compared):
    folder, said = compared
    tables = [
        f"table_{m}_at_10.{form}" for m in ("hr", "ndcg") for form in ("tex", "md")
    ]
    drawn = [
        f"{what}_{m}_at_10" for what in ("heatmap", "curves") for m in ("hr", "ndcg")
    ]
    pictures = [*drawn, "worst_case"]
    numbers = ["summary.csv", "worst_case.csv", "differences.csv"]
    assert {path.name for path in folder.iterdir()} == {
        *("report.html", "store", "own_files", *numbers, *tables),
        *(f"{name}.{form}" for name in pictures for form in ("png", "pdf", "svg")),
    }
    told = f"wrote into {folder}: report.html, summary.csv, "
    assert told in " ".join(said.split())
    assert "18 runs finished" in (folder / "report.html").read_text()
    differences = rows_of(folder / "differences.csv")
    # Of metrics, attacks and the worst of each seed, pairs of defenses.
    assert len(differences) == 2 * 4 * 3
    assert said.count("worst case  ") == 3


def test_it_goes_on_where_it_was_and_replaces_nothing_unasked(compared):
    folder, _ = compared
    more = f"--store={folder}/store", "--attacks=spattack_o_d,gaussian"
    done = compare(*instead(FLAGS, *more))
    assert "18 runs of 9 programs, 12 of them finished" in done.stdout
    assert len(lines(folder / "store")) == 24
    assert_refused(compare(*FLAGS, f"--output_dir={folder}"), "report.html")


def test_what_cannot_be_run_costs_its_own_runs_only(compared):
    folder, _ = compared
    flags = instead(FLAGS, "--defenses=median,nearest_neighbour_mixing+mean")
    done = compare(*flags, f"--store={folder}/store", program=out_of_memory)
    assert done.returncode == 2
    assert "HR@10; mean ± half of its 95 % interval" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("error: ")


def test_without_extras_it_says_what_they_would_bring(compared, tmp_path):
    folder, _ = compared
    out = tmp_path / "out"
    flags = f"--output_dir={out}", f"--store={folder}/store", "--attacks=spattack_o_d"
    done = compare(*instead(FLAGS, *flags), program=without_extras)
    assert done.returncode == 0
    lacking, begun, _ = done.stdout.partition("runs of")
    assert begun
    assert "pip install 'jaxfr[report]'" in lacking
    assert "pip install 'jaxfr[plots]'" in lacking
    assert not [*out.glob("*.png"), *out.glob("*.html")]


def test_several_data_sets_and_shares_are_rows_of_one_table(tmp_path):
    several = (
        "--dataset=synthetic:num_users=40:num_items=300:num_pairs=600,"
        "synthetic:num_users=40:num_items=300:num_pairs=500",
        "--malicious_ratio=0.05,0.1",
    )
    done = compare(
        *instead(TINY, *several),
        *("--defenses=mean", "--attacks=spattack_l_d", "--seeds=0"),
        f"--output_dir={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    # Of each data set one clean run serves both shares.
    assert done.stdout.startswith("6 runs of ")
    assert "6 runs finished" in (tmp_path / "report.html").read_text()
    worst = rows_of(tmp_path / "worst_case.csv")
    assert len(worst) == 2 * 2 * 2  # metrics, data sets, shares
    assert {row["malicious_ratio"] for row in worst} == {"0.05", "0.1"}
    assert all(row["clean_mean"] for row in worst)


@pytest.mark.parametrize(
    ("flag", "named"),
    [
        ("--defenses=medain", "defenses: aggregator='medain'"),
        ("--attacks=papre", "did you mean paper?"),
        ("--attack=lie", "attacks"),
        ("--model=fedgnn,mlp,fedm", "did you mean fedmf"),
    ],
)
def test_a_slip_is_told_what_may_have_been_meant(flag, named):
    assert_refused(compare(*instead(TINY, flag)), named)

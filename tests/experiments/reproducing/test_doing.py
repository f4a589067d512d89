import pathlib

import pytest
from absl import flags

from experiments.reproducing.asking import Asked, load_all
from experiments.reproducing.doing import reproduce_studies, whole_programs
from experiments.studies.study import Finding, Material, Picture, Section, Study
from jaxfr.store import open_store
from jaxfr.sweeps.execution import RunOptions
from tests.experiments.studies.small_data import BASE

# Two runs of one program.
BASES = BASE, BASE.replace(seed=1)


def draw(path: pathlib.Path) -> None:
    path.write_bytes(b"drawn")


def present(material: Material) -> Section:
    seeds = tuple(str(record["seed"]) for record in material.records)
    return Section(
        "Table 9: seeds",
        text=(" ".join(seeds),),
        pictures=(Picture("seeds.png", "Seeds.", draw),),
        findings=(Finding("There are seeds.", bool(seeds), ""),),
    )


IDLE = Study("idle", (), lambda bases: [], present)
RUNS = Study("runs", (), lambda bases: [*bases], present)


@pytest.fixture(scope="module", autouse=True)
def _parsed_flags():
    flags.FLAGS(["reproduce"])


def test_studies_run_in_turn_write_their_files_and_are_resumed(tmp_path, capsys):
    asked = Asked(BASES, "0:2", (), False, None, str(tmp_path), None)
    studies = [IDLE, RUNS]
    workload = load_all(studies, asked)
    with open_store(tmp_path / "store") as store:
        one = RunOptions(devices=1)
        chapters = reproduce_studies(studies, asked, workload, store, one, tmp_path)
        again = reproduce_studies(studies, asked, workload, store, one, tmp_path)
        assert len(store.records()) == 2

    assert [chapter.name for chapter in chapters] == ["idle", "runs"]
    assert [chapter.runs for chapter in chapters] == [0, 2]
    assert [chapter.section.text[0] for chapter in chapters] == ["", "0 1"]
    assert chapters[1].images == {"seeds.png": b"drawn"}
    assert chapters[1].command.startswith("python -m experiments.study runs ")
    for name in ("idle", "runs"):
        assert (tmp_path / name / "findings.csv").exists()
    assert len((tmp_path / "runs" / "records.jsonl").read_text().splitlines()) == 2

    assert again[1].section == chapters[1].section
    told = capsys.readouterr().err
    assert "study 2 of 2, runs; about " in told
    assert "study 1 of 2, idle; about 0.0 s left for the runs of all" in told
    assert "runs: 2 of 2 runs are in the store" in told


def test_the_runs_of_a_program_are_done_together_whichever_study_wants_them(
    tmp_path, capsys
):
    first = Study("first", (), lambda bases: [bases[0]], present)
    second = Study("second", (), lambda bases: [bases[1]], present)
    krum = BASE.replace(aggregator="krum")
    third = Study("third", (), lambda bases: [krum], present)
    asked = Asked(BASES, "0:2", (), False, None, str(tmp_path), None)
    studies = [first, second, third]
    workload = load_all(studies, asked)
    assert len(workload.plan.groups) == 2
    part = whole_programs(workload.plan, workload.runs[1])
    assert part.groups == workload.plan.groups[:1]
    assert whole_programs(workload.plan, ()).groups == ()
    with open_store(tmp_path / "store") as store:
        one = RunOptions(devices=1)
        chapters = reproduce_studies(studies, asked, workload, store, one, tmp_path)
    assert [chapter.section.text[0] for chapter in chapters] == ["0", "1", "0"]
    assert [chapter.runs for chapter in chapters] == [1, 1, 1]
    told = capsys.readouterr().err
    assert "second: 2 of 2 runs are in the store" in told
    assert told.count("compiling") == 2

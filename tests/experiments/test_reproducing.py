"""What is reproduced: its plan, its commands, its chapters."""

import pathlib
import shlex

import pytest
from absl import flags

from experiments.reproducing import (
    Asked,
    command,
    command_of,
    load_all,
    reproduce_studies,
    whole_programs,
)
from experiments.studies.base import Finding, Material, Picture, Section, Study
from jaxfr.data import LoadOptions, TableOptions
from jaxfr.errors import InvalidInputError
from jaxfr.records import TEXT_WIDTH
from jaxfr.store import open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.request import RunRequest
from tests.experiments.studies.small_data import BASE, SOURCE

OPTIONS = LoadOptions("my data", table=TableOptions(time_column="when"))


def asked(*bases: RunRequest, **others) -> Asked:
    fields = {
        **{"seeds": "0:2", "studies": (), "quick": False, "load_options": None},
        **{"output_dir": "runs/all", "store": None},
        **others,
    }
    return Asked(bases=bases, **fields)


def study(name: str, attack: str, decides: tuple[str, ...] = ()) -> Study:
    def wanted(bases):
        return [base.replace(attack=attack) for base in bases]

    return Study(name, decides, wanted, lambda material: pytest.fail("not now"))


# --- Loading ---


def test_all_runs_are_planned_once_and_each_study_knows_its_own():
    bases = BASE, BASE.replace(seed=1)
    studies = [study("a", "none"), study("b", "spattack_l_d"), study("c", "none")]
    workload = load_all(studies, asked(*bases))
    assert len(workload.plan.runs) == 4
    assert [len(runs) for runs in workload.runs] == [2, 2, 2]
    assert workload.runs[0] == workload.runs[2]
    assert set(workload.runs[0]).isdisjoint(workload.runs[1])
    (data,) = workload.data
    assert data.content_hash == SOURCE.dataset_hash
    assert data.size.startswith("120 users, 200 items, ")


def test_data_that_cannot_be_loaded_are_told_of_even_where_no_run_needs_them():
    idle = Study("idle", (), lambda bases: [], lambda material: pytest.fail("not now"))
    missing = BASE.replace(dataset="no/such.csv")
    with pytest.raises(InvalidInputError, match=r"no/such\.csv.*--dataset="):
        load_all([idle], asked(BASE, missing))


# --- Commands ---


def test_the_command_names_what_differs_from_the_defaults():
    bases = [RunRequest(dataset=name) for name in ("ml-100k", "steam")]
    assert command(asked(*bases), ()) == (
        "python -m experiments.reproduce --dataset=ml-100k,steam --seeds=0:2 "
        "--store=runs/all/store --output_dir=runs/all"
    )
    other = asked(
        *(RunRequest(dataset="synthetic:num_users=60", rounds=5),),
        **{"quick": True, "store": "s", "load_options": OPTIONS},
    )
    assert shlex.split(command(other, ["table2", "table3"])) == [
        *("python", "-m", "experiments.reproduce", "--quick"),
        *("--studies=table2,table3", "--dataset=synthetic:num_users=60", "--seeds=0:2"),
        *("--rounds=5", "--data_dir=my data"),
        "--time_column=when",
        *("--store=s", "--output_dir=runs/all"),
    ]


def test_a_study_is_made_by_itself_and_may_not_be_told_everything():
    base = RunRequest(rounds=5)
    free = command_of(study("table9", "none"), asked(base))
    assert free == (
        "python -m experiments.study table9 --dataset=ml-100k --seeds=0:2 --rounds=5 "
        "--store=runs/all/store --output_dir=runs/all/table9"
    )
    strict = command_of(study("table9", "none", decides=("rounds",)), asked(base))
    assert "--rounds" not in strict


def test_a_quick_study_is_made_by_the_whole_program():
    quick = command_of(study("table9", "none"), asked(RunRequest(), quick=True))
    assert quick.startswith(
        "python -m experiments.reproduce --quick --studies=table9 --dataset=ml-100k "
    )


# --- Chapters ---

# Two runs of one program.
BASES = BASE, BASE.replace(seed=1)


def draw(path: pathlib.Path, width: float) -> None:
    assert width == TEXT_WIDTH
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
        one = ExecutionOptions(devices=1)
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
        one = ExecutionOptions(devices=1)
        chapters = reproduce_studies(studies, asked, workload, store, one, tmp_path)
    assert [chapter.section.text[0] for chapter in chapters] == ["0", "1", "0"]
    assert [chapter.runs for chapter in chapters] == [1, 1, 1]
    told = capsys.readouterr().err
    assert "second: 2 of 2 runs are in the store" in told
    assert told.count(": compiling;") == 2

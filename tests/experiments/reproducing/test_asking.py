import shlex

import pytest

from experiments.reproducing.asking import Asked, command, command_of, load_all
from experiments.studies.study import Study
from jaxfr.data import LoadOptions, TableOptions
from jaxfr.errors import InvalidInputError
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
        *(RunRequest(dataset="synthetic", synthetic="num_users=60", rounds=5),),
        **{"quick": True, "store": "s", "load_options": OPTIONS},
    )
    assert shlex.split(command(other, ["table2", "table3"])) == [
        *("python", "-m", "experiments.reproduce", "--quick"),
        *("--studies=table2,table3", "--dataset=synthetic", "--seeds=0:2"),
        *("--synthetic=num_users=60", "--rounds=5", "--data_dir=my data"),
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

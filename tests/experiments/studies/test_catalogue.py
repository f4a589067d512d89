"""The studies by name."""

import pytest

from experiments.studies.catalogue import QUICK_STUDIES, STUDIES, choose_studies
from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.plan import check_all
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest


@pytest.mark.parametrize("studies", [STUDIES, QUICK_STUDIES])
def test_studies_go_by_their_names(studies):
    for name, study in studies.items():
        assert study.name == name
        assert set(study.decides) <= {*RUN_OPTIONS, "seed"}


@pytest.mark.parametrize("studies", [STUDIES, QUICK_STUDIES])
def test_all_runs_have_a_meaning(studies):
    wanted = [run for study in studies.values() for run in study.wanted([RunRequest()])]
    check_all(wanted)
    assert wanted


def test_the_quick_choice_is_the_same_studies_with_fewer_runs():
    assert QUICK_STUDIES.keys() == STUDIES.keys()
    counts = [
        sum(len(set(study.wanted([RunRequest()]))) for study in studies.values())
        for studies in (QUICK_STUDIES, STUDIES)
    ]
    assert counts[0] < counts[1]
    rules = {
        run.experiment.aggregator.name
        for study in QUICK_STUDIES.values()
        for run in study.wanted([RunRequest()])
    }
    assert rules.isdisjoint({"krum", "trimmed_mean"})


def test_studies_are_chosen_in_the_order_of_the_paper():
    names = [study.name for study in choose_studies(["table3", "table2"], False)]
    assert names == ["table2", "table3"]
    everything = choose_studies([], quick=True)
    assert [study.name for study in everything] == list(STUDIES)
    assert everything[1] is QUICK_STUDIES[everything[1].name]


def test_a_study_that_there_is_not_is_refused():
    with pytest.raises(InvalidInputError, match=r"studies=table4: .*table2, figure1_2"):
        choose_studies(["table2", "table4"], quick=False)

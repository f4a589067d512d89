"""How much a study has to run."""

import pytest

from experiments.studies.runs import MODEL_COST, RULE_COST, seconds_left
from jaxfr.aggregators import AGGREGATORS
from jaxfr.models import MODELS
from jaxfr.store import open_store
from jaxfr.sweeps.plan import identify, plan_runs
from tests.experiments.studies.small_data import BASE

MEAN = [BASE.replace(seed=seed) for seed in range(3)]
FEDGNN = BASE.replace(model="fedgnn:4")
KRUM = BASE.replace(aggregator="krum")


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store") as opened:
        yield opened


def test_every_rule_and_model_has_a_cost():
    assert RULE_COST.keys() == AGGREGATORS.keys()
    assert MODEL_COST.keys() == MODELS.keys()


def test_a_program_is_compiled_once_and_rounds_cost_what_their_rule_does(store):
    mean = seconds_left(plan_runs(MEAN), store)
    single = seconds_left(plan_runs(MEAN[:1]), store)
    krum = seconds_left(plan_runs([KRUM]), store)
    # With c for compiling and r for a run: c + r, c + 3 r, c + the rule's cost times r.
    run = (mean - single) / 2
    more_for_krum = (RULE_COST["krum"] - 1) * run
    assert 0 < run < single
    assert krum - single == pytest.approx(more_for_krum)
    both = seconds_left(plan_runs([*MEAN, KRUM]), store)
    assert both == pytest.approx(mean + krum)
    fedgnn = seconds_left(plan_runs([FEDGNN]), store)
    assert fedgnn - single == pytest.approx((MODEL_COST["fedgnn"] - 1) * run)
    with_krum = FEDGNN.replace(aggregator="krum")
    assert seconds_left(plan_runs([with_krum]), store) - fedgnn == pytest.approx(
        more_for_krum
    )


def test_a_stage_before_a_rule_makes_it_no_cheaper(store):
    clipped = BASE.replace(aggregator="clip_by_norm+krum")
    krum = seconds_left(plan_runs([KRUM]), store)
    assert seconds_left(plan_runs([clipped]), store) >= krum


def test_finished_runs_take_no_time(store):
    plan = plan_runs(MEAN)
    runs = identify(plan, MEAN)
    before = seconds_left(plan, store)
    store.append([{"run": runs[0]}])
    store.refresh()
    after = seconds_left(plan, store)
    assert after < before
    store.append([{"run": run} for run in runs[1:]])
    assert seconds_left(plan, store) == 0
    assert seconds_left(plan_runs([]), store) == 0

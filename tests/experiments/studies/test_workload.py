import dataclasses

import pytest

from experiments.studies.workload import ROUND_COST, seconds_left
from jaxfr.aggregators import AGGREGATORS
from jaxfr.store import open_store
from jaxfr.sweeps.plan import identify, plan_runs
from tests.experiments.studies.small_data import BASE

MEAN = [dataclasses.replace(BASE, seed=seed) for seed in range(3)]
KRUM = dataclasses.replace(BASE, aggregator="krum")
WANTED = [*MEAN, KRUM]


@pytest.fixture(scope="module")
def plan():
    return plan_runs(WANTED)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store") as opened:
        yield opened


def test_every_rule_has_a_cost():
    assert ROUND_COST.keys() == AGGREGATORS.keys()


def test_a_program_is_compiled_once_and_rounds_cost_what_their_rule_does(plan, store):
    mean = seconds_left(plan, set(identify(plan, MEAN)), store)
    single = seconds_left(plan, set(identify(plan, MEAN[:1])), store)
    krum = seconds_left(plan, set(identify(plan, [KRUM])), store)
    # With c for compiling and r for a run: c + r, c + 3 r, c + 100 r.
    run = (mean - single) / 2
    assert 0 < run < single
    assert krum - single == pytest.approx(99 * run)
    both = seconds_left(plan, set(identify(plan, WANTED)), store)
    assert both == pytest.approx(mean + krum)


def test_finished_runs_and_those_of_others_take_no_time(plan, store):
    runs = identify(plan, MEAN)
    before = seconds_left(plan, set(runs), store)
    store.append([{"run": runs[0]}])
    store.refresh()
    after = seconds_left(plan, set(runs), store)
    assert after < before
    store.append([{"run": run} for run in runs[1:]])
    assert seconds_left(plan, set(runs), store) == 0
    assert seconds_left(plan, set(), store) == 0

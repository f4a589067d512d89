import numpy as np

from experiments.studies.figure1_2.falling_findings import STEAM, falling_findings
from experiments.studies.figure1_2.falling_items import Fallen, Laws
from jaxfr.theory.power_law import PowerLawFit

NAN = float("nan")
LAW = PowerLawFit(2.0, 25, 0.05, 60, 0.1)
LAWS = Laws(LAW, LAW, 0.5, 1.0)


# A share at which all agree.
GOOD = Fallen(
    malicious_ratio=0.05,
    malicious_clients=197,
    of_described=0.8,
    closed_form=0.9,
    discrete=NAN,
    whole_law=NAN,
    described_by_degree=0.79,
    by_degree=0.91,
    by_rows=0.9,
    simulated=0.9,
)
SILENT = GOOD._replace(of_described=0.0, closed_form=NAN)


def answers(name: str, *found: Fallen) -> list[bool | None]:
    degree = np.array([1] * 97 + [200] * 3)
    return [finding.holds for finding in falling_findings(name, degree, LAWS, found)]


def test_statements_hold_where_all_shares_agree():
    assert answers("mine", GOOD) == [True] * 4


def test_one_share_that_disagrees_decides():
    # Formula of all, formula of the described, the round, at least.
    counted = GOOD._replace(by_degree=0.85)
    assert answers("mine", GOOD, counted) == [False, True, True, True]
    described = GOOD._replace(described_by_degree=0.77)
    assert answers("mine", GOOD, described) == [True, False, True, True]
    simulated = GOOD._replace(simulated=0.89)
    assert answers("mine", GOOD, simulated) == [True, True, False, True]
    fewer = GOOD._replace(by_rows=0.7, simulated=0.7)
    assert answers("mine", GOOD, fewer) == [True, True, True, False]


def test_more_than_the_formula_gives_is_at_least_that():
    assert answers("mine", GOOD._replace(by_rows=1.0, simulated=1.0))[3] is True


def test_a_law_that_is_silent_at_some_shares_can_fail_but_not_hold():
    assert answers("mine", SILENT, GOOD) == [None, None, True, None]
    fewer = GOOD._replace(by_rows=0.7, simulated=0.7)
    assert answers("mine", SILENT, fewer)[3] is False


def test_where_the_law_says_nothing_nobody_can_tell():
    silent = SILENT._replace(by_degree=0.6, by_rows=0.1, simulated=0.1)
    found = falling_findings("mine", np.ones(5), LAWS, [silent])
    assert [finding.holds for finding in found] == [None, None, True, None]
    assert "degrees below 25" in found[0].evidence
    assert "5 %: 60.0 / 10.0" in found[3].evidence
    without = falling_findings("mine", np.ones(5), None, [silent])
    assert "too few items" in without[0].evidence


def test_of_steam_the_paper_says_more():
    assert answers(STEAM, GOOD)[:2] == [True, True]
    other = GOOD._replace(malicious_clients=196)
    assert answers(STEAM, other)[:2] == [True, False]
    elsewhere = other._replace(malicious_ratio=0.03)
    assert answers(STEAM, elsewhere)[:2] == [True, None]
    short = np.array([1] * 9 + [200])  # 90 % in the tail
    assert falling_findings(STEAM, short, LAWS, [other])[0].holds is False

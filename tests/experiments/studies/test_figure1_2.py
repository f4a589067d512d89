"""The study of Figures 1 and 2 as a whole, and which items fall."""

import functools
import inspect
import math

import numpy as np
import pytest

from experiments.studies import figure1_2
from experiments.studies.base import Material, Section
from experiments.studies.figure1 import Moment, clean_moments
from experiments.studies.figure1_2 import (
    STEAM,
    Fallen,
    Laws,
    count_fallen,
    falling_findings,
    file_stem,
    fit_laws,
)
from jaxfr.errors import InvalidInputError
from jaxfr.records import WIDTHS
from jaxfr.theory import PowerLawFit
from tests.experiments.studies.small_data import BASE, DATASET, MATERIAL

PNG = b"\x89PNG\r\n"
DEGREE = DATASET.item_popularity


# --- The whole ---


@functools.cache
def section() -> Section:
    study = figure1_2.study(("mean", "median"), 0.1, trained_rounds=2)
    return study.present(MATERIAL)


def test_it_needs_no_whole_run():
    assert figure1_2.study().wanted([BASE]) == []


def test_every_table_is_as_wide_as_its_header_and_has_rows():
    tables = section().tables
    assert len(tables) == 5
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.header)}


def test_both_rounds_rules_and_forms_are_shown():
    rows = section().tables[0].rows
    assert [row[:3] for row in rows] == [
        (number, rule, form)
        for number in ("0", "2")
        for rule in ("mean", "median")
        for form in ("dense", "sparse")
    ]


def test_training_ends_with_the_run():
    material = Material((BASE.replace(rounds=2),), (), None)
    shown = figure1_2.study(("mean",), 0.1, trained_rounds=5).present(material)
    assert {row[0] for row in shown.tables[0].rows} == {"0", "2"}


def test_findings_are_those_of_every_part():
    statements = [finding.statement for finding in section().findings]
    assert len(statements) == 8
    assert all(statement.startswith("synthetic: ") for statement in statements)
    assert sum("Proposition 1" in statement for statement in statements) == 1
    assert sum("Proposition 2" in statement for statement in statements) == 3


def test_pictures_are_drawn(tmp_path):
    names = [picture.name for picture in section().pictures]
    assert names == [
        "figure1_synthetic.png",
        "figure2_degrees_synthetic.png",
        "figure2_falling_synthetic.png",
    ]
    for picture in section().pictures:
        picture.draw(tmp_path / picture.name, WIDTHS["column"])
        assert (tmp_path / picture.name).read_bytes().startswith(PNG)


def test_a_name_becomes_part_of_a_file_name():
    assert file_stem("ml-100k") == "ml-100k"
    assert file_stem("../my log.v2") == "___my_log_v2"


def test_by_default_rules_are_compared_and_no_stage():
    (names, *_) = inspect.signature(figure1_2.study).parameters.values()
    for name in names.default:
        BASE.replace(aggregator=name)


@pytest.mark.parametrize("names", [(), ("mean", "mode"), ("mean", "clip_by_norm")])
def test_rules_that_there_are_not_are_refused(names):
    with pytest.raises(InvalidInputError, match=r"aggregators=.*must be some of mean"):
        figure1_2.study(names)


# --- Which items fall ---


@functools.cache
def moment() -> Moment:
    return clean_moments(BASE, DATASET, (0,))[0]


@functools.cache
def fallen() -> list[Fallen]:
    return count_fallen(BASE, moment(), DEGREE, fit_laws(DEGREE), (0.0, 0.1, 0.2))


def test_nobody_breaks_nothing():
    nobody = fallen()[0]
    assert (nobody.by_degree, nobody.by_rows, nobody.simulated) == (0.0, 0.0, 0.0)
    assert nobody.of_described == 0.0
    assert math.isnan(nobody.closed_form)


def test_items_fall_whose_rows_are_at_most_the_malicious_clients():
    # floor(120 rho / (1 - rho)).
    assert [found.malicious_clients for found in fallen()] == [0, 13, 30]
    laws = fit_laws(DEGREE)
    assert laws is not None
    described = DEGREE[laws.fitted.minimum_degree <= DEGREE]
    assert 0 < len(described) < len(DEGREE)
    for found in fallen()[1:]:
        for counted, rows in (
            (found.by_degree, DEGREE),
            (found.described_by_degree, described),
            (found.by_rows, moment().benign.received),
            (found.simulated, moment().benign.received),
        ):
            expected = np.mean(rows <= found.malicious_clients)
            assert counted == pytest.approx(expected)
    # Negatives bring rows, so that fewer fall than interactions tell.
    assert fallen()[1].simulated < fallen()[1].by_degree - 0.05


def test_the_laws_formula_is_the_share_below_the_malicious_clients():
    laws = fit_laws(DEGREE)
    assert laws is not None
    found = fallen()[2]
    expected = 1 - laws.whole_share * 30 ** (1 - laws.whole.exponent)
    assert found.whole_law == pytest.approx(expected)
    assert laws.fitted.minimum_degree <= 30
    described = 1 - (30 / laws.fitted.minimum_degree) ** (1 - laws.fitted.exponent)
    assert found.of_described == pytest.approx(described)
    # Items below the law's least degree count as fallen.
    assert found.closed_form == pytest.approx(1 - laws.tail_share * (1 - described))
    assert abs(found.discrete - found.closed_form) < 0.05


def test_too_few_items_have_no_law():
    assert fit_laws(np.arange(1, 20)) is None
    (found,) = count_fallen(BASE, moment(), DEGREE, None, (0.1,))
    assert math.isnan(found.closed_form)
    assert math.isnan(found.whole_law)
    assert found.simulated > 0


# --- Findings ---

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

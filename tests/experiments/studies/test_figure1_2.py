import dataclasses
import functools
import inspect

import pytest

from experiments.studies import figure1_2
from experiments.studies.section import Section
from experiments.studies.study import Material
from jaxfr.errors import InvalidInputError
from tests.experiments.studies.small_data import BASE, MATERIAL

PNG = b"\x89PNG\r\n"


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
    short = dataclasses.replace(BASE, rounds=1)
    material = Material((short,), (), None)
    shown = figure1_2.study(("median",), 0.1, trained_rounds=2).present(material)
    assert {row[0] for row in shown.tables[0].rows} == {"0", "1"}


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
        picture.draw(tmp_path / picture.name)
        assert (tmp_path / picture.name).read_bytes().startswith(PNG)


def test_by_default_rules_are_compared_and_no_stage():
    (names, *_) = inspect.signature(figure1_2.study).parameters.values()
    for name in names.default:
        BASE.replace(aggregator=name)


@pytest.mark.parametrize("names", [(), ("mean", "mode"), ("mean", "clip_by_norm")])
def test_rules_that_there_are_not_are_refused(names):
    with pytest.raises(InvalidInputError, match=r"aggregators=.*must be some of mean"):
        figure1_2.study(names)

"""The study of Table 2."""

import dataclasses

import pytest

from experiments.studies import table2
from experiments.studies.base import Material
from tests.experiments.studies.small_data import BASE, MATERIAL


@pytest.fixture
def pair(tmp_path) -> Material:
    """A user's own data: 2 users, 4 items, 5 interactions, 3 of 8 pairs absent."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "train.txt").write_text("0 0 1\n1 0\n")
    (folder / "test.txt").write_text("0 2\n1 3\n")
    return Material((dataclasses.replace(BASE, dataset=str(folder)),), (), None)


def test_it_needs_no_run_and_takes_nothing_but_data():
    study = table2.study()
    assert study.wanted([BASE]) == []
    assert {"dataset", "seed"}.isdisjoint(study.decides)
    assert {"rounds", "attack", "aggregator"} <= set(study.decides)


def test_a_data_set_that_the_paper_lacks_stands_alone(pair):
    section = table2.study().present(pair)
    assert section.tables[0].rows == (
        ("mine", "users", "–", "2", "–"),
        ("mine", "items", "–", "4", "–"),
        ("mine", "interactions", "–", "5", "–"),
        ("mine", "sparsity", "–", "37.50 %", "–"),
    )
    assert section.findings == ()
    assert "mine" in section.text[-1]


def test_the_paper_stands_beside_the_data_with_the_difference(pair, monkeypatch):
    monkeypatch.setattr(table2, "PAPER", {"mine": table2.PaperRow(2, 1_005, 4, 37.49)})
    section = table2.study().present(pair)
    assert [row[2:] for row in section.tables[0].rows] == [
        ("2", "2", "0"),
        ("1,005", "4", "−1,001"),
        ("4", "5", "+1"),
        ("37.49 %", "37.50 %", "+0.01"),
    ]
    (finding,) = section.findings
    assert finding.holds is False
    assert "5 interactions" in finding.evidence


def test_a_row_that_agrees_holds(pair, monkeypatch):
    monkeypatch.setattr(table2, "PAPER", {"mine": table2.PaperRow(2, 4, 5, 37.50)})
    (finding,) = table2.study().present(pair).findings
    assert finding.holds is True


def test_a_sparsity_agrees_to_the_two_decimals_that_are_printed(tmp_path, monkeypatch):
    (tmp_path / "train.txt").write_text("0 0\n1 0\n")
    (tmp_path / "test.txt").write_text("0 1\n1 2\n")
    paper = {tmp_path.name: table2.PaperRow(2, 3, 4, 33.33)}
    monkeypatch.setattr(table2, "PAPER", paper)
    own = dataclasses.replace(BASE, dataset=str(tmp_path))
    (finding,) = table2.study().present(Material((own,), (), None)).findings
    assert finding.holds is True


def test_distribution_of_users_and_items(pair):
    # Interactions of users 3 and 2; of items 2, 1, 1, 1.
    (row,) = table2.study().present(pair).tables[1].rows
    assert row == ("mine", "2 / 2.5 / 3", "1 / 1 / 2", "1.85", "100.0 %")


def test_items_without_interactions_are_told_of(tmp_path):
    (tmp_path / "train.txt").write_text("0 0 1\n1 5\n")
    (tmp_path / "test.txt").write_text("0 2\n1 1\n")
    own = dataclasses.replace(BASE, dataset=str(tmp_path))
    text = table2.study().present(Material((own,), (), None)).text
    assert any("2 of the items have no interaction" in part for part in text)


def test_every_table_is_as_wide_as_its_header():
    for table in table2.study().present(MATERIAL).tables:
        assert {len(row) for row in table.rows} == {len(table.header)}


def test_the_papers_sparsity_is_that_of_its_own_numbers():
    for row in table2.PAPER.values():
        sparsity = 100 * (1 - row.edges / (row.users * row.items))
        # ML-100K's 93.695 is rounded up.
        assert sparsity == pytest.approx(row.sparsity_percent, abs=0.01)

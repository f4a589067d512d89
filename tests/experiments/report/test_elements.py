import pytest

from experiments.report import elements
from experiments.studies.study import Table
from tests.experiments.report.pages import Reader

NUMBERS = ("0.251 ± 0.008", "−5 %", "1,682", "–", "1.00 / 0.07", "98.0 (88.7)", "")
WORDS = ("ml-100k", "3 rows", "06416e59")


def kinds(cells: tuple[str, ...]) -> set[str | None]:
    """Classes of a column's cells and its header."""
    content = Table("caption", ("x",), tuple((cell,) for cell in cells))
    reader = Reader(elements.table(content, "t"))
    found = [*reader.all("td"), *reader.all("th")]
    return {cell.attributes.get("class") for cell in found}


def test_a_column_of_numbers_stands_right_with_its_header():
    assert kinds(NUMBERS) == {"number"}


@pytest.mark.parametrize("word", WORDS)
def test_one_word_makes_a_column_of_words(word):
    assert kinds((*NUMBERS, word)) == {None}


def test_a_table_without_rows_keeps_its_header():
    reader = Reader(elements.table(Table("none", ("a", "b"), ()), "t"))
    assert len(reader.all("th")) == 2


def test_facts_are_pairs():
    reader = Reader(elements.facts([("a", "1"), ("b < c", "2")]))
    assert [e.tag for e in reader.elements] == ["dl", "dt", "dd", "dt", "dd"]
    assert reader.text.split() == ["a1", "b", "<", "c2"]


def test_a_heading_carries_its_anchor():
    assert elements.heading(3, "a & b", "here") == '<h3 id="here">a &amp; b</h3>'

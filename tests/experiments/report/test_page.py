"""The report's page: a whole document, read as a browser reads it."""

import base64
import re

import pytest

from experiments.report.page import render, table
from experiments.studies.base import Finding, Section, Table
from tests.experiments.report.pages import EVIL, IMAGE, Reader, chapter, page, section


@pytest.fixture(scope="module")
def document() -> str:
    other = Section("Figure 8: nothing", text=("Empty.",))
    chapters = (
        chapter("table9", section()),
        chapter("figure7", section("Figure 7: more")),
        chapter("figure8", other, runs=0),
    )
    return render(page(*chapters))


@pytest.fixture(scope="module")
def reader(document) -> Reader:
    return Reader(document)


# --- One file, nothing from elsewhere ---


def test_it_is_one_whole_document(document, reader):
    assert document.startswith("<!DOCTYPE html>\n")
    for tag in ("html", "head", "body", "title", "main", "h1"):
        assert len(reader.all(tag)) == 1
    assert reader.all("html")[0].attributes["lang"] == "en"
    assert {"charset": "utf-8"} in [meta.attributes for meta in reader.all("meta")]


def test_nothing_is_loaded(document, reader):
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {
        element.tag for element in reader.elements
    }
    for element in reader.elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            if name in {"src", "srcset", "data", "poster", "action"}:
                assert (value or "").startswith("data:")
            if name == "href":
                assert (value or "").startswith("#")
    (style,) = re.findall(r"<style>(.*?)</style>", document, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style


def test_pictures_are_inside(reader):
    images = [image.attributes["src"] for image in reader.all("img")]
    assert len(images) == 2  # of each chapter that has pictures, the one drawn
    for source in images:
        kind, _, content = (source or "").partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(content, validate=True) == IMAGE
    assert all(image.attributes["alt"] for image in reader.all("img"))
    assert reader.text.count("not drawn: needs matplotlib") == 2


def test_what_comes_from_outside_is_text(reader):
    # Title twice; of each of two sections paragraph, header, cell, caption, statement
    # (also in the summary) and evidence; the environment.
    assert reader.text.count(EVIL) == 2 + 2 * 7 + 1
    assert reader.comments == []


# --- Links ---


def test_ids_are_unique_and_links_lead_somewhere(reader):
    ids = [e.attributes["id"] for e in reader.elements if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    targets = [link.attributes["href"] for link in reader.all("a")]
    assert targets
    assert {(target or "")[1:] for target in targets} <= set(ids)


def test_the_contents_name_every_chapter(reader):
    within = [link for link in reader.all("a") if "nav" in link.around]
    assert [link.attributes["href"] for link in within] == [
        *("#table9", "#figure7", "#figure8"),
        *("#differences", "#data", "#environment"),
    ]


def test_every_finding_is_in_the_summary_with_a_link_to_it(reader):
    targets = {link.attributes["href"] for link in reader.all("a")}
    items = [e for e in reader.all("li") if "id" in e.attributes]
    assert len(items) == 6
    assert {f"#{item.attributes['id']}" for item in items} <= targets


def test_the_summary_counts(reader):
    answers = [True] * 3 + [False] * 2 + [None]
    found = tuple(Finding("It is.", answer, "") for answer in answers)
    counted = Section("Figure 8: nothing", findings=found)
    assert (
        "Of 6 statements of the paper that were checked, 3 hold, 2 do not, and of 1 "
        "the runs cannot tell." in Reader(render(page(chapter("a", counted)))).text
    )
    # In words beside each, in the summary and at its place.
    for words in ("✓ holds", "✗ does not hold", "? cannot tell"):
        assert reader.text.count(words) == 4


def test_without_findings_there_is_no_count():
    text = Reader(render(page(chapter("figure8", Section("Figure 8: nothing"))))).text
    assert "Nothing that the paper states was checked." in text


# --- What else is told ---


def test_each_chapter_tells_command_runs_and_seconds(reader):
    for name in ("table9", "figure7", "figure8"):
        assert f"python -m experiments.{name} --dataset='a b'" in reader.text
    assert reader.text.count("Made from 3 runs, in 12.3 seconds") == 2
    assert reader.text.count("Made from no whole run, in 12.3 seconds") == 1


def test_data_environment_differences_and_the_command_are_told(reader):
    for text in (
        *("abc123", "2 users", "3.99", "They did & we did not."),
        *("To begin with.", "python -m experiments.reproduce"),
    ):
        assert text in reader.text


def test_tables_scroll_on_their_own(reader):
    assert len(reader.all("table")) == 4  # summary, two sections, data
    wide = [e for e in reader.all("div") if (e.attributes.get("class") or "") == "wide"]
    assert len(wide) == 4
    assert all(e.around[-1] == "div" for e in reader.all("table"))


def test_rows_are_as_wide_as_the_header(document):
    for found in re.findall(r"<table.*?</table>", document, re.DOTALL):
        head, *rows = re.findall(r"<tr>.*?</tr>", found, re.DOTALL)
        assert rows
        assert {row.count("<td") for row in rows} == {head.count("<th ")}


# --- Tables ---

NUMBERS = ("0.251 ± 0.008", "−5 %", "1,682", "–", "1.00 / 0.07", "98.0 (88.7)", "")
WORDS = ("ml-100k", "3 rows", "06416e59")


def kinds(cells: tuple[str, ...]) -> set[str | None]:
    """Classes of a column's cells and its header."""
    content = Table("caption", ("x",), tuple((cell,) for cell in cells))
    reader = Reader(table(content, "t"))
    found = [*reader.all("td"), *reader.all("th")]
    return {cell.attributes.get("class") for cell in found}


def test_a_column_of_numbers_stands_right_with_its_header():
    assert kinds(NUMBERS) == {"number"}


@pytest.mark.parametrize("word", WORDS)
def test_one_word_makes_a_column_of_words(word):
    assert kinds((*NUMBERS, word)) == {None}


def test_a_table_without_rows_keeps_its_header():
    reader = Reader(table(Table("none", ("a", "b"), ()), "t"))
    assert len(reader.all("th")) == 2

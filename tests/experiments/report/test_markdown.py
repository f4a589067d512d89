"""The page as Markdown: everything is on it, and nothing that it shows is markup."""

from experiments.report.markdown import render_markdown
from tests.experiments.report import pages

PAGE = pages.page(pages.chapter("table9", pages.section()))
LINES = render_markdown(PAGE).splitlines()


def test_every_finding_stands_there_with_its_verdict_and_evidence():
    assert "- **holds**: Water is wet.. (5 of 5)" in LINES
    assert "- **cannot tell**: There is life.. (nobody looked)" in LINES
    assert sum(line.startswith("- **does not hold**") for line in LINES) == 1


def test_a_picture_that_was_drawn_is_a_link_beside_the_page():
    links = [line for line in LINES if line.startswith("![")]
    assert len(links) == 1
    assert links[0].endswith("](table9/drawn.png)")


def test_a_table_has_as_many_cells_in_each_line():
    first = next(i for i, line in enumerate(LINES) if line.startswith("| name |"))
    assert LINES[first + 1] == "| --- | --- |"
    assert [line.count(" | ") for line in LINES[first : first + 4]] == [1] * 4


def test_text_is_shown_as_it_is():
    shown = "\n".join(line for line in LINES if not line.startswith("python"))
    assert "\\<script\\>" in shown
    assert "<script>" not in shown


def test_commands_stand_in_blocks_of_code():
    place = LINES.index("python -m experiments.table9 --dataset='a b'")
    assert (LINES[place - 1], LINES[place + 1]) == ("```bash", "```")

"""How studies write numbers and tables."""

import csv
import json

import pytest

from experiments.studies import writing
from experiments.studies.base import Finding, Picture, Section, Table
from experiments.studies.writing import (
    format_section,
    verdict,
    write_study,
    written_already,
)
from jaxfr.errors import InvalidInputError
from jaxfr.records import TEXT_WIDTH

SECTION = Section(
    "Table 9: numbers",
    ("What was run.", "word " * 40),
    (Table("Cells.", ("a", "b"), (("1", "2, 3"), ("4", "±"))),),
    (
        Picture(
            "shown.png", "A picture.", lambda path, width: path.write_bytes(b"drawn")
        ),
    ),
    (
        Finding("It falls", True, "0.1 to 0.0"),
        Finding("It rises", False, "0.1 to 0.0"),
        Finding("It flies", None, "no runs"),
    ),
)


def test_verdicts_are_words():
    words = [verdict(finding) for finding in SECTION.findings]
    assert words == ["holds", "does not hold", "cannot tell"]


def test_the_text_has_title_paragraphs_tables_pictures_and_findings_in_order():
    text = format_section(SECTION)
    parts = ["Table 9", "What was run", "Cells.", "a  b", "1  2, 3", "shown.png: A"]
    parts += ["HOLDS: It falls\n    0.1 to 0.0", "DOES NOT HOLD: It", "CANNOT TELL: It"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert max(map(len, text.splitlines())) <= 88


def test_everything_is_written(tmp_path):
    names = write_study(tmp_path, SECTION, [{"run": "x"}, {"run": "x"}], TEXT_WIDTH)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    records = (tmp_path / "records.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in records] == [{"run": "x"}] * 2
    with (tmp_path / "table_1.csv").open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["a", "b"], ["1", "2, 3"], ["4", "±"]]
    with (tmp_path / "findings.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["statement", "verdict", "evidence"]
    assert rows[2] == ["It rises", "does not hold", "0.1 to 0.0"]
    assert (tmp_path / "shown.png").read_bytes() == b"drawn"
    text = (tmp_path / "section.txt").read_text(encoding="utf-8")
    assert text == format_section(SECTION) + "\n"


def test_tables_of_an_earlier_study_stay_until_all_is_written(tmp_path, monkeypatch):
    def fail(*arguments: object) -> None:
        raise InvalidInputError("no space")

    write_study(tmp_path, SECTION, [], TEXT_WIDTH)
    monkeypatch.setattr(writing, "write_table", fail)
    with pytest.raises(InvalidInputError, match="no space"):
        write_study(
            tmp_path, Section("Title", findings=SECTION.findings), [], TEXT_WIDTH
        )
    assert (tmp_path / "table_1.csv").exists()
    assert (tmp_path / "shown.png").read_bytes() == b"drawn"


def test_a_study_without_runs_or_findings_writes_no_file_of_them(tmp_path):
    write_study(tmp_path, Section("Title"), [], TEXT_WIDTH)
    assert [path.name for path in tmp_path.iterdir()] == ["section.txt"]


def test_what_stands_in_the_way_is_found(tmp_path):
    always = ["section.txt", "records.jsonl", "findings.csv"]
    assert written_already(tmp_path / "missing") == always
    for name in ("table_2.csv", "some.png", "some.svg", "notes.md"):
        (tmp_path / name).touch()
    assert written_already(tmp_path) == [*always, "table_2.csv", "some.png", "some.svg"]


def test_tables_of_an_earlier_study_go(tmp_path):
    (tmp_path / "table_7.csv").touch()
    (tmp_path / "other.csv").touch()
    write_study(tmp_path, SECTION, [], TEXT_WIDTH)
    assert not (tmp_path / "table_7.csv").exists()
    assert (tmp_path / "other.csv").exists()


def test_a_folder_that_is_not_there_is_reported(tmp_path):
    section = SECTION._replace(pictures=())
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match="cannot write"):
        write_study(tmp_path / "file" / "folder", section, [], TEXT_WIDTH)


def test_no_text_of_a_study_commands_a_terminal():
    table = Table("log\x1b[2J.csv", ("a\x07",), (("b\nc",),))
    text = format_section(Section("Study of \x1b]0;log", ("x\x07",), (table,)))
    assert not [letter for letter in text if letter != "\n" and ord(letter) < 32]
    assert "b\\nc" in text


def test_a_picture_that_fails_costs_no_file(tmp_path, capsys):
    def fail(path, width) -> None:
        raise RuntimeError("no room")

    shown = SECTION._replace(pictures=(Picture("shown.png", "A picture.", fail),))
    names = write_study(tmp_path, shown, [], TEXT_WIDTH)
    assert "findings.csv" in names
    assert "shown.png" not in names
    assert capsys.readouterr().err == "not drawn: shown.png: no room\n"

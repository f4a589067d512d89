"""A section as text on a terminal, and as files of a folder."""

import functools
import pathlib
import textwrap
from collections.abc import Sequence

from experiments.studies.base import Finding, Picture, Section, Table
from jaxfr.files import replacing, write_atomically
from jaxfr.records import Record, can_draw, drawn, write_csv, write_records
from jaxfr.terminal import align, printable_lines

TEXT_FILE = "section.txt"
RECORDS_FILE = "records.jsonl"
FINDINGS_FILE = "findings.csv"
_TABLES = "table_*.csv"
_PICTURES = "*.png", "*.pdf", "*.svg"
_WIDTH = 88


def verdict(finding: Finding) -> str:
    """Says in words whether a finding holds."""
    if finding.holds is None:
        return "cannot tell"
    return "holds" if finding.holds else "does not hold"


def format_section(section: Section) -> str:
    """Writes title, text, tables and findings; pictures by their captions."""
    parts = [f"{section.title}\n{'=' * len(section.title)}"]
    parts += [textwrap.fill(paragraph, _WIDTH) for paragraph in section.text]
    parts += [_table_text(table) for table in section.tables]
    parts += [
        textwrap.fill(f"{picture.name}: {picture.caption}", _WIDTH)
        for picture in section.pictures
    ]
    parts += [_finding_text(finding) for finding in section.findings]
    return printable_lines("\n\n".join(parts))


def written_already(folder: pathlib.Path) -> list[str]:
    """Names of files that a study wrote, or that stand where one will write."""
    names = [TEXT_FILE, RECORDS_FILE, FINDINGS_FILE]
    for pattern in (_TABLES, *_PICTURES):
        names += sorted(path.name for path in folder.glob(pattern))
    return names


def write_study(
    folder: pathlib.Path, section: Section, records: Sequence[Record], width: float
) -> list[str]:
    """Writes a study's files, and returns their names; tables of an earlier one go.

    Pictures, of that width in inches, are drawn where matplotlib is installed.
    """
    written = [TEXT_FILE]
    write_atomically(folder / TEXT_FILE, f"{format_section(section)}\n".encode())
    if records:
        write_records(folder / RECORDS_FILE, records)
        written.append(RECORDS_FILE)
    for number, table in enumerate(section.tables, start=1):
        written.append(f"table_{number}.csv")
        write_table([table.header, *table.rows], folder / written[-1])
    if section.findings:
        written.append(FINDINGS_FILE)
        rows = [(f.statement, verdict(f), f.evidence) for f in section.findings]
        header = ("statement", "verdict", "evidence")
        write_table([header, *rows], folder / FINDINGS_FILE)
    pictures = section.pictures if can_draw() else ()
    for one in pictures:
        files = drawn(functools.partial(_draw, one, width), folder / one.name)
        written += [file.name for file in files]
    for left in folder.glob(_TABLES):
        if left.name not in written:
            left.unlink()
    return written


def _draw(shown: Picture, width: float, path: pathlib.Path) -> None:
    shown.draw(path, width)


def write_table(rows: Sequence[Sequence[str]], path: pathlib.Path) -> None:
    """Writes rows of text as a CSV file, see ``jaxfr.records.export.write_csv``."""
    with replacing(path) as unfinished:
        write_csv(rows, unfinished)


def _table_text(table: Table) -> str:
    caption = textwrap.fill(table.caption, _WIDTH)
    return f"{caption}\n\n{align([table.header, *table.rows])}"


def _finding_text(finding: Finding) -> str:
    statement = textwrap.fill(
        f"{verdict(finding).upper()}: {finding.statement}", _WIDTH
    )
    evidence = textwrap.fill(
        finding.evidence, _WIDTH, initial_indent="    ", subsequent_indent="    "
    )
    return f"{statement}\n{evidence}"

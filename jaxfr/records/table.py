"""Records as a table: mean and standard deviation over seeds, change against clean."""

import math
import re
from collections.abc import Sequence

import numpy as np

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.names import is_higher_better, overall_fields
from jaxfr.records.caveats import has_diverged
from jaxfr.records.chance import REFERENCES, reference
from jaxfr.records.record import Record
from jaxfr.terminal import printable

_AS_IN_PAPERS = {"hr": "HR", "ndcg": "nDCG", "er": "ER"}
_SHORT = re.compile(rf"\b({'|'.join(_AS_IN_PAPERS)})(?=@)")


def format_table(records: Sequence[Record]) -> str:
    """Writes a row for each attack, in the order of first appearance.

    Below them, where they are known, one for chance and one for the most popular items.

    A cell is the mean over seeds and, for two seeds or more, the sample standard
    deviation; against a clean run of the same table stands the change in percent. Runs
    in which a metric is null do not count for it, and where it is null in all of them
    the cell is ``-``. Behind the number of seeds stands how many of the runs diverged.
    """
    attacks = list(dict.fromkeys(record["attack"] for record in records))
    columns = _columns(records[0])
    headings = [f"{heading(column)}{direction(column)}" for column in columns]
    rows = [["attack", "seeds", *headings]]
    for attack in attacks:
        chosen = [record for record in records if record["attack"] == attack]
        cells = [
            _cell(
                _known(chosen, column),
                _known([r for r in records if r["attack"] == CLEAN], column),
                compare=attack != CLEAN,
            )
            for column in columns
        ]
        diverged = sum(map(has_diverged, chosen))
        told = f" ({diverged} diverged)" if diverged else ""
        rows.append([attack, f"{len(chosen)}{told}", *cells])
    for name in REFERENCES:
        beside = [_mean([reference(r, name, c) for r in records]) for c in columns]
        if any(text != "-" for text in beside):
            rows.append([heading(name), "", *beside])
    return align(rows)


def align(rows: Sequence[Sequence[str]]) -> str:
    """Writes rows of texts as lines in which every column begins below its heading.

    Control characters of a cell are written out, line breaks among them.
    """
    rows = [[printable(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(width) for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def direction(field: str) -> str:
    """What to write behind the name of a field of which less is better."""
    return "" if is_higher_better(field) else " (less is better)"


def heading(column: str) -> str:
    """Writes the name of a field as papers do, such as ``HR@10 tail``."""
    words = column.replace("_", " ")
    return _SHORT.sub(lambda found: _AS_IN_PAPERS[found[0]], words)


def _columns(record: Record) -> list[str]:
    """All metrics over all users, and the first of these by group: HR@10 if there."""
    names = list(overall_fields(record))
    told = sorted(names, key=lambda name: name != "hr@10")
    in_groups = [name for name in told if f"{name}_{GROUP_NAMES[0]}" in record]
    return names + [
        f"{name}_{group}" for name in in_groups[:1] for group in GROUP_NAMES
    ]


def _known(records: Sequence[Record], column: str) -> list[float]:
    return [record[column] for record in records if record[column] is not None]


def _mean(values: list[float]) -> str:
    mean = float(np.mean(values))
    return "-" if math.isnan(mean) else f"{mean:.4f}"


def _cell(values: list[float], clean: list[float], compare: bool) -> str:
    if not values:
        return "-"
    mean = float(np.mean(values))
    text = f"{mean:.4f}"
    if len(values) > 1:
        text += f" ± {np.std(values, ddof=1):.4f}"
    if compare and clean and np.mean(clean) > 0:
        text += f" ({100 * (mean / float(np.mean(clean)) - 1):+.0f} %)"
    return text

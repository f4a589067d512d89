"""Records as a table: mean and standard deviation over seeds, change against clean."""

from collections.abc import Sequence

import numpy as np

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.degree_groups import GROUP_NAMES
from jaxfr.evaluation.metrics import metric_names
from jaxfr.records.caveats import has_diverged
from jaxfr.records.results import Record
from jaxfr.terminal import printable


def format_table(records: Sequence[Record]) -> str:
    """Writes a row for each attack, in the order of first appearance.

    A cell is the mean over seeds and, for two seeds or more, the sample standard
    deviation; against a clean run of the same table stands the change in percent. Runs
    in which a metric is null do not count for it, and where it is null in all of them
    the cell is ``-``. Behind the number of seeds stands how many of the runs diverged.

    Args:
        records: runs that differ in attack and seed only.
    """
    attacks = list(dict.fromkeys(record["attack"] for record in records))
    columns = [*metric_names(), *(f"hr@10_{group}" for group in GROUP_NAMES)]
    rows = [["attack", "seeds", *(heading(column) for column in columns)]]
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
    return align(rows)


def align(rows: Sequence[Sequence[str]]) -> str:
    """Writes rows as lines in which every column begins below its heading.

    Control characters of a cell are written out, line breaks among them.

    Args:
        rows: the texts of the columns, the same number in each row.
    """
    rows = [[printable(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(width) for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def heading(column: str) -> str:
    """Writes the name of a metric as papers do, such as ``HR@10 tail``."""
    return column.replace("hr", "HR").replace("ndcg", "nDCG").replace("_", " ")


def _known(records: Sequence[Record], column: str) -> list[float]:
    return [record[column] for record in records if record[column] is not None]


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

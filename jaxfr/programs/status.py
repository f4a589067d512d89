r"""Says how far a result store is: done, in whose hands, left and failed.

jaxfr status --store=runs/store

It only looks, at any time and from any machine that sees the folder. The exit code is 0
if all runs are done, 1 if some failed and none is running any more, and otherwise 3.
"""

import json
import sys

from absl import flags

from jaxfr.programs import store_flag
from jaxfr.store.status import ProcessStatus, StoreStatus, status_of
from jaxfr.terminal import align, printable

EXIT_FAILED, EXIT_UNFINISHED = 1, 3

EXAMPLE = "--format=json"
"""For ``--help``, of the flags that only this program has."""

store_flag.define()
_FORMAT = flags.DEFINE_enum(
    "format",
    "table",
    ["table", "json"],
    "How it is said; json: one object with total, programs, processes and failures.",
)

_COLUMNS = ("program", "runs", "done", "running", "left", "failed")


def main() -> None:
    """Prints how far the store is."""
    status = status_of(store_flag.open_to_read())
    print(as_json(status) if _FORMAT.value == "json" else as_table(status))
    total = status.total
    if total.failed and not total.running:
        sys.exit(EXIT_FAILED)
    if not total.runs or total.done < total.runs:
        sys.exit(EXIT_UNFINISHED)


def as_json(status: StoreStatus) -> str:
    """One object, its fields named as those of ``StoreStatus``."""
    total = {
        name: number
        for name, number in status.total._asdict().items()
        if name != "program"
    }
    return json.dumps(
        {
            "total": total,
            "programs": [one._asdict() for one in status.programs],
            "processes": [one._asdict() for one in status.processes],
            "failures": [one._asdict() for one in status.failures],
        }
    )


def as_table(status: StoreStatus) -> str:
    """A row for each program, a line for each process and failure, and a sum."""
    if not status.programs:
        return "no runs were asked for yet"
    rows = [tuple(map(str, one)) for one in status.programs]
    lines = [align([_COLUMNS, *rows])]
    lines += [_line_of_process(one) for one in status.processes]
    lines += [
        f"{len(one.runs)} runs failed on {one.host} (process {one.process}): "
        f"{printable(one.error)}"
        for one in status.failures
    ]
    total = status.total
    lines.append(
        f"{total.runs} runs: {total.done} done, {total.running} running, "
        f"{total.left} left, {total.failed} failed"
    )
    return "\n".join(lines)


def _line_of_process(one: ProcessStatus) -> str:
    shard = f", shard {one.shard}" * bool(one.shard)
    far = ""
    if one.rounds and one.rounds_done is not None:
        far = f", {100 * one.rounds_done // one.rounds} % of rounds"
    return printable(
        f"{one.host} (process {one.process}{shard}): {one.runs} runs of {one.program}"
        f"{far}"
    )

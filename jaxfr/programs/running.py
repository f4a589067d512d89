"""Running a plan with a display of its progress, for every program that trains."""

import contextlib
import pathlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from jaxfr.files import temporary_folder
from jaxfr.processes import is_leader
from jaxfr.records.caveats import caveats
from jaxfr.records.contents import lack_of_record
from jaxfr.stopping import keeping
from jaxfr.store import Record, Store, open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.forecast import group_title
from jaxfr.sweeps.plan import Plan
from jaxfr.sweeps.work import FinishedRun, Watcher, run_plan
from jaxfr.terminal import note, paragraph, printable


@contextlib.contextmanager
def opened_store(path: pathlib.Path | None, any_code: bool = False) -> Iterator[Store]:
    """Opens the store of a folder, or one that vanishes in the end.

    All processes but the leader, which go by its store, get an empty one without a
    folder. With ``any_code`` runs that other code finished count as finished.
    """
    if not is_leader():
        yield Store(pathlib.Path(), any_code, lack_of_record)
        return
    with contextlib.ExitStack() as stack:
        if path is None:
            path = stack.enter_context(temporary_folder())
        else:
            stack.enter_context(keeping(f"finished runs are kept in {path}"))
        yield stack.enter_context(open_store(path, any_code, lack_of_record))


def run_with_progress(
    plan: Plan, store: Store, options: ExecutionOptions, label: str
) -> Iterator[FinishedRun]:
    """``run_plan`` with a labelled bar and a line for each program that compiles."""
    total = sum(run.request.rounds for run in plan.runs)
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(show_progress(total, "round", label))
        if options.checkpoints is not None:
            kept = f"checkpoints are kept in {options.checkpoints.directory}"
            stack.enter_context(keeping(kept))
        watcher = Watcher(
            compiling=lambda group: progress.say(f"{group_title(group)}: compiling"),
            rounds=progress.advance,
            waiting=lambda left: progress.say(
                f"waiting for {left} runs that other processes are doing"
            ),
            say=progress.say,
        )
        yield from run_plan(plan, store, options, watcher)


def warn(records: Sequence[Record]) -> None:
    """Tells what makes metrics of these runs mean less than they seem."""
    for line in caveats(records):
        note(paragraph(f"warning: {line}"))


class Progress(NamedTuple):
    """How to report on some work: units that are finished, and lines beside the bar."""

    advance: Callable[[int], Any]
    say: Callable[[str], Any]


@contextlib.contextmanager
def show_progress(total: int, unit: str, label: str) -> Iterator[Progress]:
    """Shows how much of some work is done, and how much time is left.

    A bar where tqdm is installed (the extra ``data`` brings it), otherwise a line at
    every tenth. The unit of the total is told in the singular.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        yield Progress(_tell_tenths(total, unit, label), note)
        return
    shown = printable(label)
    with tqdm(total=total, unit=unit, desc=shown, leave=False, mininterval=0) as bar:
        yield Progress(
            bar.update, lambda line: tqdm.write(printable(line), file=bar.fp)
        )


def _tell_tenths(total: int, unit: str, label: str) -> Callable[[int], None]:
    began = time.monotonic()
    done = 0

    def advance(finished: int) -> None:
        nonlocal done
        tenth_before = 10 * done // total
        done += finished
        if 10 * done // total > tenth_before:
            left = (time.monotonic() - began) * (total - done) / done
            note(f"{label}: {done} of {total} {unit}s, about {left:.0f} s left")

    return advance

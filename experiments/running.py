"""Running a plan with a display of its progress, for every program that trains."""

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator

from jaxfr.processes import is_leader
from jaxfr.records.contents import lack_of_record
from jaxfr.records.progress import show_progress
from jaxfr.store import Store, open_store
from jaxfr.sweeps.execution import RunOptions
from jaxfr.sweeps.forecast import describe
from jaxfr.sweeps.plan import Plan
from jaxfr.sweeps.run import FinishedRun, Watcher, run_plan


@contextlib.contextmanager
def opened_store(path: pathlib.Path | None, any_code: bool = False) -> Iterator[Store]:
    """Opens a store, or one that vanishes in the end.

    Args:
        path: its folder; None for one that vanishes, which all processes but the leader
            get in any case.
        any_code: whether a run counts as finished that other code finished.

    Raises:
        InvalidInputError: if the folder is of another kind, or cannot be written.
    """
    with contextlib.ExitStack() as stack:
        if path is None or not is_leader():
            temporary = tempfile.TemporaryDirectory(prefix="jaxfr-")
            path = pathlib.Path(stack.enter_context(temporary))
        yield stack.enter_context(open_store(path, any_code, lack_of_record))


def run_with_progress(
    plan: Plan,
    store: Store,
    options: RunOptions,
    label: str,
) -> Iterator[FinishedRun]:
    """``run_plan`` with a bar, and a line for each program that is compiled.

    Args:
        plan: as there.
        store: as there.
        options: as there.
        label: what the work is.
    """
    total = sum(run.settings.rounds for run in plan.runs)
    with show_progress(total, "round", label) as progress:
        watcher = Watcher(
            compiling=lambda group: progress.say(f"{describe(group)}: compiling"),
            rounds=progress.advance,
            waiting=lambda left: progress.say(
                f"waiting for {left} runs that other processes are doing"
            ),
            say=progress.say,
        )
        yield from run_plan(plan, store, options, watcher)

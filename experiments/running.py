"""Running a plan with a display of its progress, for every program that trains."""

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator

from experiments.execution_flags import ANY_CODE_VERSION, RUNS_AT_ONCE
from jaxfr.records.progress import show_progress
from jaxfr.store import Store, open_store
from jaxfr.sweeps.forecast import describe
from jaxfr.sweeps.plan import Plan
from jaxfr.sweeps.run import FinishedRun, Watcher, run_plan


@contextlib.contextmanager
def opened_store(path: pathlib.Path | None) -> Iterator[Store]:
    """Opens a store as ``--any_code_version`` says.

    Args:
        path: its folder; None for one that vanishes in the end.

    Raises:
        InvalidInputError: if the folder is of another kind, or cannot be written.
    """
    with contextlib.ExitStack() as stack:
        if path is None:
            temporary = tempfile.TemporaryDirectory(prefix="jaxfr-")
            path = pathlib.Path(stack.enter_context(temporary))
        yield stack.enter_context(open_store(path, ANY_CODE_VERSION.value))


def run_with_progress(
    plan: Plan, store: Store, devices: int, label: str
) -> Iterator[FinishedRun]:
    """``run_plan`` with a bar, and a line for each program that is compiled.

    Args:
        plan: as there.
        store: as there.
        devices: as there.
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
        )
        yield from run_plan(plan, store, devices, RUNS_AT_ONCE.value, watcher)

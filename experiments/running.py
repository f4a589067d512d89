"""Running a plan with a display of its progress, for every program that trains."""

from collections.abc import Iterator

from experiments.execution_flags import RUNS_AT_ONCE
from jaxfr.records.progress import show_progress
from jaxfr.store import Store
from jaxfr.sweeps.forecast import describe
from jaxfr.sweeps.plan import Plan
from jaxfr.sweeps.run import FinishedRun, Watcher, run_plan


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

"""What a plan will take, known before it is run."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jaxfr.store import Store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.group import GroupCompiler
from jaxfr.sweeps.plan import Plan, PlannedRun, RunGroup
from jaxfr.terminal import align
from jaxfr.training.compiled import CompiledRuns, memory_need
from jaxfr.training.costs import Costs, measure_costs

_COLUMNS = ("program", "runs", "finished", "at once", "memory", "compiling", "time")


class Forecast(NamedTuple):
    """What one group of runs will take."""

    group: RunGroup  # the group
    finished: int  # how many of its runs are in the store
    at_once: int  # how many runs at once
    memory: int  # bytes at the peak
    compile: float  # seconds that compiling took, which the cache may have shortened
    seconds: float  # what the runs that are left will take without it


def forecast(
    plan: Plan,
    store: Store | None,
    options: ExecutionOptions,
    on_group: Callable[[RunGroup], Any] = lambda group: None,
) -> list[Forecast]:
    """Compiles every program that is left to run, and times a few of its rounds.

    Without a store nothing is finished. ``on_group`` is told which group is measured.
    """
    compiler = GroupCompiler(plan.sources, options)
    found = []
    for group in plan.groups:
        left = [
            run for run in group.runs if not (store and store.is_finished(run.identity))
        ]
        finished = len(group.runs) - len(left)
        if not left:
            found.append(Forecast(group, finished, 0, 0, 0.0, 0.0))
            continue
        on_group(group)
        program = compiler.compile(group)
        found.append(
            Forecast(
                group,
                finished,
                program.execution.runs,
                memory_need(program.compiled).total,
                program.compiled.seconds,
                _seconds(left, program.compiled),
            )
        )
    return found


def batch_seconds(
    costs: Costs, rounds: int, eval_every: int, rounds_per_call: int
) -> float:
    """What a batch takes: its start, calls, rounds and evaluations."""
    evaluations = 2 if eval_every == 0 else 1 + -(-rounds // eval_every)
    # Round -1, which evaluates the untrained state, is one more.
    calls = -(-(rounds + 1) // rounds_per_call)
    return (
        costs.start
        + calls * costs.call
        + rounds * costs.round
        + evaluations * costs.evaluation
    )


def format_forecasts(forecasts: Sequence[Forecast], available: int | None) -> str:
    """Writes a table with a row for each program, and what all of it takes.

    ``available`` are bytes of memory that are free, None where unknown.
    """
    runs = sum(len(item.group.runs) for item in forecasts)
    left = runs - sum(item.finished for item in forecasts)
    peak = max(item.memory for item in forecasts)
    compiling = sum(item.compile for item in forecasts)
    seconds = sum(item.seconds for item in forecasts)
    free = "" if available is None else f" of {available / 1e9:.2f} GB that are free"
    return (
        f"{align([_COLUMNS, *map(_row, forecasts)])}\n"
        f"{runs} runs of {len(forecasts)} programs, {left} to do: at most "
        f"{peak / 1e9:.2f} GB{free}; {format_duration(compiling + seconds)}, "
        f"{format_duration(compiling)} of it for compiling"
    )


def _seconds(left: Sequence[PlannedRun], compiled: CompiledRuns) -> float:
    schedules, costs = [run.schedule for run in left], measure_costs(compiled)
    total = 0.0
    for schedule in dict.fromkeys(schedules):
        batches = -(-schedules.count(schedule) // compiled.runs)
        total += batches * batch_seconds(costs, *schedule, compiled.rounds_per_call)
    return total


def _row(item: Forecast) -> tuple[str, ...]:
    runs = (item.group.title, str(len(item.group.runs)), str(item.finished))
    if item.at_once == 0:
        return (*runs, "", "", "", "")
    return (
        *runs,
        str(item.at_once),
        f"{item.memory / 1e9:.2f} GB",
        f"{item.compile:.1f} s",
        format_duration(item.seconds),
    )


def format_duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"

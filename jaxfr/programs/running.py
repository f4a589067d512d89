"""Running a plan with a display of its progress, for every program that trains."""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence

from jaxfr.errors import InvalidInputError
from jaxfr.files import temporary_folder
from jaxfr.processes import is_leader
from jaxfr.programs.progress import Work, show_progress
from jaxfr.records.caveats import caveats
from jaxfr.records.contents import lack_of_record
from jaxfr.stopping import keep, keeping
from jaxfr.store import Record, Store, open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.plan import Plan, RunGroup, identify
from jaxfr.sweeps.request import RunRequest
from jaxfr.sweeps.work import FinishedRun, Watcher, run_plan
from jaxfr.terminal import note, paragraph


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
            keep(f"finished runs are kept in {path}")
        yield stack.enter_context(open_store(path, any_code, lack_of_record))


def run_with_progress(
    plan: Plan, store: Store, options: ExecutionOptions, label: str
) -> Iterator[FinishedRun]:
    """``run_plan`` with what is shown of its progress, see ``show_progress``."""
    rounds = sum(run.request.rounds for run in plan.runs)
    words = f"{label}, shard {plan.shard}" if plan.shard else label
    with contextlib.ExitStack() as stack:
        left = [
            group
            for group in plan.groups
            if not all(store.is_finished(run.identity) for run in group.runs)
        ]
        work = Work(len(plan.runs), rounds, len(left))
        say = stack.enter_context(show_progress(work, words))
        if options.checkpoints is not None:
            kept = f"checkpoints are kept in {options.checkpoints.directory}"
            stack.enter_context(keeping(kept))

        def compiling(group: RunGroup) -> contextlib.AbstractContextManager[None]:
            say(f"{group.title}: compiling")
            return work.aside()

        watcher = Watcher(
            compiling=compiling,
            rounds=work.advance,
            found_rounds=work.find,
            runs=work.finish,
            found_runs=work.find_runs,
            failed=work.fail,
            waiting=lambda left: say(
                f"waiting for {left} runs that other processes are doing"
            ),
            say=say,
        )
        yield from run_plan(plan, store, options, watcher)


def finished_records(
    plan: Plan,
    wanted: Sequence[RunRequest],
    path: pathlib.Path | None,
    options: ExecutionOptions,
    label: str,
    any_code: bool,
    of: str = "",
) -> tuple[list[Record | None], InvalidInputError | None]:
    """Does the runs that a store lacks; the record of each that is wanted.

    A program that cannot be run costs its own runs only, which have no record then; the
    error is returned with the others, to be raised once these are shown.

    Args:
        plan: of the wanted runs.
        wanted: of which some may come to the same run.
        path: of the store; None for one that vanishes.
        options: how they are run.
        label: what is shown of the progress begins so.
        any_code: whether runs that other code finished count as finished.
        of: what stands before the number of runs, as ``12 trials in``.
    """
    with opened_store(path, any_code) as store:
        found = sum(store.is_finished(run.identity) for run in plan.runs)
        runs = f"{len(plan.runs)} runs of {len(plan.groups)} programs"
        # A log has it before what comes of it.
        print(f"{of} {runs}, {found} of them finished".lstrip(), flush=True)
        failure = None
        try:
            for _ in run_with_progress(plan, store, options, label):
                pass
        except InvalidInputError as error:
            failure = error
        names = identify(plan, wanted)
        done = [name for name in dict.fromkeys(names) if store.is_finished(name)]
        if failure is not None and not done:
            raise failure
        records = dict(zip(done, store.records(done), strict=True))
        return [records.get(name) for name in names], failure


def warn(records: Sequence[Record]) -> None:
    """Tells what makes metrics of these runs mean less than they seem."""
    for line in caveats(records):
        note(paragraph(f"warning: {line}"))

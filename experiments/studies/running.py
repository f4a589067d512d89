"""Runs what a study needs and lets it say what came out."""

from collections.abc import Sequence
from typing import NamedTuple

from experiments.studies.study import Material, Section, Study
from jaxfr.data import LoadOptions
from jaxfr.files import note
from jaxfr.programs.running import run_with_progress
from jaxfr.records import Record, caveats
from jaxfr.store import Store
from jaxfr.sweeps import Plan, RunOptions, RunRequest, identify, plan_runs


class Studied(NamedTuple):
    """What a study came to.

    Attributes:
        records: of the runs that it wanted, in that order; a run that it wanted twice
            is there twice.
        section: what it shows.
    """

    records: tuple[Record, ...]
    section: Section


def run_study(
    study: Study,
    bases: Sequence[RunRequest],
    load_options: LoadOptions | None,
    store: Store,
    options: RunOptions,
    label: str,
) -> Studied:
    """Runs what a study wants and the store lacks, and presents the study.

    Args:
        study: the study.
        bases: a run for each data set and seed, see ``Material``.
        load_options: how data are loaded; None for the defaults.
        store: where records are and go; one that is open.
        options: how runs are executed.
        label: what the display of progress calls the work.

    Raises:
        InvalidInputError: if some run has no meaning, data cannot be loaded, the
            store cannot be written, or a run does not fit into memory.
    """
    wanted = study.wanted(bases)
    plan = plan_runs(wanted, load_options)
    finish_runs(plan, store, options, label)
    return present_study(study, bases, load_options, identify(plan, wanted), store)


def finish_runs(plan: Plan, store: Store, options: RunOptions, label: str) -> None:
    """Runs what a store lacks of a plan.

    Args:
        plan: the runs.
        store: as in ``run_study``.
        options: as there.
        label: as there.

    Raises:
        InvalidInputError: if the store cannot be written, or a run does not fit into
            memory.
    """
    found = sum(store.is_finished(run.identity) for run in plan.runs)
    if found:
        note(f"{label}: {found} of {len(plan.runs)} runs are in the store")
    if found < len(plan.runs):
        for _ in run_with_progress(plan, store, options, label):
            pass


def present_study(
    study: Study,
    bases: Sequence[RunRequest],
    load_options: LoadOptions | None,
    runs: Sequence[str],
    store: Store,
) -> Studied:
    """Lets a study say what came out, and adds what else must be said of its runs.

    Args:
        study: as in ``run_study``.
        bases: as there.
        load_options: as there.
        runs: the identities of the runs that it wanted, in that order.
        store: which holds them all.
    """
    records = tuple(store.records(runs))
    section = study.present(Material(tuple(bases), records, load_options))
    told = caveats(records)
    return Studied(records, section._replace(text=(*section.text, *told)))

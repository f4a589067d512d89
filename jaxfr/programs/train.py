r"""Trains a federated recommender, clean and under attack, and shows what it did.

jaxfr train --dataset=ml-100k --attack=spattack_o_d --seeds=0:5 \
    --output_dir=runs/first
"""

import contextlib
import functools
import pathlib
from collections.abc import Sequence

from absl import flags

from jaxfr.attacks import CLEAN, none
from jaxfr.errors import InvalidInputError
from jaxfr.files import user_path
from jaxfr.processes import is_leader
from jaxfr.programs import (
    data_flags,
    execution_flags,
    output_flags,
    process_flags,
    program,
    run_flags,
)
from jaxfr.programs.process_flags import start_flagged_devices
from jaxfr.programs.run_flags import flagged_request
from jaxfr.programs.running import opened_store, run_with_progress, warn
from jaxfr.records.names import value_title
from jaxfr.records.parameters import save_parameters
from jaxfr.records.pictures import can_draw, drawn
from jaxfr.records.plots import draw_curves
from jaxfr.records.record import Record, write_records
from jaxfr.records.tables import format_table
from jaxfr.store import Store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.grid import parse_seeds
from jaxfr.sweeps.plan import Plan, plan_runs
from jaxfr.sweeps.readers import check_read
from jaxfr.sweeps.request import keep_own_files
from jaxfr.sweeps.work import FinishedRun
from jaxfr.terminal import note, paragraph

RESULTS_FILE = "results.jsonl"
CLEAN_FILE = "clean.jsonl"
PLOT_FILE = "curves.png"

run_flags.define_run_flags(lists=("attack",))
for _module in (run_flags, data_flags, execution_flags, process_flags, program):
    flags.adopt_module_key_flags(_module)

_COMPARE_CLEAN = flags.DEFINE_bool(
    "compare_clean",
    True,
    f"Also trains without any attack, for comparison, where --attack lacks {CLEAN}.",
)
output_flags.define(
    f"{RESULTS_FILE} (a line for each attack and seed), {CLEAN_FILE} (the runs of "
    f"--compare_clean), {PLOT_FILE}, and the result store "
    f"{execution_flags.STORE_FOLDER} where --store names no other"
)
output_flags.define_figure_width()
_SAVE_PARAMS = flags.DEFINE_string(
    "save_params",
    None,
    "File (.npz) for the arrays of --init_from after the last round, and "
    "poisoned_items [malicious clients, m]; for a single attack and seed, which is run "
    "in any case.",
)


def main() -> None:
    """Does what the flags say."""
    attacks, seeds = tuple(flags.FLAGS.attack), parse_seeds(flags.FLAGS.seeds)
    with_clean = _COMPARE_CLEAN.value and none() not in attacks
    wanted = [
        flagged_request(attack=attack, seed=seed)
        for attack in (*[none()] * with_clean, *attacks)
        for seed in seeds
    ]
    check_read(wanted)
    _check_save_params(len(attacks) * len(seeds))
    folder = output_flags.prepare_output(
        [RESULTS_FILE, PLOT_FILE] + [CLEAN_FILE] * with_clean
    )
    options = execution_flags.run_options(start_flagged_devices)
    if is_leader():
        output_flags.tell_undrawn("curves")
    plan = plan_runs(wanted, data_flags.load_options())
    own_store = None if folder is None else folder / execution_flags.STORE_FOLDER
    records = train(plan, options, execution_flags.store_path() or own_store)
    if not is_leader():
        return
    # Files first: what becomes of the printed table must not cost them.
    title, written = _title(records[-1], seeds), []
    if folder is not None:
        written = [folder / RESULTS_FILE]
        names = {attack.name for attack in attacks}
        chosen = [record for record in records if record["attack"] in names]
        write_records(written[0], chosen)
        keep_own_files(wanted, folder)
        if with_clean:
            write_records(folder / CLEAN_FILE, records[: len(seeds)])
        if can_draw():
            width = output_flags.figure_width()
            draw = functools.partial(draw_curves, records, title, width=width)
            written += drawn(draw, folder / PLOT_FILE)
    print(paragraph(title), end="\n\n")
    print(format_table(records))
    warn(records)
    output_flags.tell_written(written)


def train(
    plan: Plan, options: ExecutionOptions, path: pathlib.Path | None
) -> list[Record]:
    """Runs what the store does not hold; all records in the order of the plan.

    (Of several processes in the leader only.)
    """
    with contextlib.ExitStack() as stack:
        store = used = stack.enter_context(
            opened_store(path, execution_flags.ANY_CODE_VERSION.value)
        )
        if _SAVE_PARAMS.value:
            # Parameters are not in a store, so that their run is done again.
            used = stack.enter_context(opened_store(None))
        _run(plan, used, options)
        if not is_leader():
            return []
        records = used.records([run.identity for run in plan.runs])
        if used is not store:
            store.append(records)
    return records


def _run(plan: Plan, store: Store, options: ExecutionOptions) -> None:
    found = sum(store.is_finished(run.identity) for run in plan.runs)
    if found:
        note(f"{found} of {len(plan.runs)} runs are in the store")
    for done in run_with_progress(plan, store, options, "train"):
        if (
            _SAVE_PARAMS.value
            and done.planned.request.experiment.attack in flags.FLAGS.attack
        ):
            _save(done)


def _save(done: FinishedRun) -> None:
    save_parameters(
        user_path(_SAVE_PARAMS.value or "", "save_params"),
        done.planned.experiment,
        done.layout,
        done.result,
    )


def _check_save_params(runs: int) -> None:
    if _SAVE_PARAMS.value is None:
        return
    path = user_path(_SAVE_PARAMS.value, "save_params")
    if runs > 1:
        raise InvalidInputError("save_params: needs a single attack and a single seed")
    output_flags.prepare_folder(path.parent, [path.name])


def _title(record: Record, seeds: Sequence[int]) -> str:
    names = "dataset", "model", "aggregator"
    parts = (value_title(name, record[name]) for name in names)
    clients = record["malicious_clients"]
    malicious = (
        f"{100 * record['malicious_ratio']:g} % malicious ({clients} "
        f"client{'s' * (clients != 1)}), "
    )
    told = f"{len(seeds)} seeds" if len(seeds) > 1 else f"1 seed ({seeds[0]})"
    return (
        f"{', '.join(parts)} "
        f"({record['aggregation']}), {malicious * (record['attack'] != CLEAN)}"
        f"{record['rounds']} rounds, "
        f"{told}, {record['ranking']} ranking"
    )

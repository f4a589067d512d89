r"""Runs a grid or a list of experiments over many seeds, into a result store.

jaxfr sweep --dataset=ml-100k --learning_rate=0.003,0.01,0.03 \
    --attack=none,spattack_o_d --seeds=0:10 --store=runs/store

A sweep that was stopped goes on where it was; several may work on one store at once.
"""

import pathlib

from absl import flags

from jaxfr.errors import InvalidInputError
from jaxfr.files import user_path
from jaxfr.processes import is_leader
from jaxfr.programs import (
    data_flags,
    execution_flags,
    process_flags,
    program,
    run_flags,
)
from jaxfr.programs.flag_parsers import define_number
from jaxfr.programs.process_flags import COORDINATOR_ADDRESS, start_flagged_devices
from jaxfr.programs.running import opened_store, run_with_progress, warn
from jaxfr.programs.sweep_file import SweepFile, read_sweep_file
from jaxfr.ranges import COUNT, COUNT_FROM_1
from jaxfr.records.chance import main_metric
from jaxfr.records.contents import lack_of_record, option_names
from jaxfr.records.selection import default_groupings
from jaxfr.records.summary import summarize
from jaxfr.records.tables import format_results
from jaxfr.store import look_into_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.forecast import forecast, format_forecasts
from jaxfr.sweeps.grid import Axes, cross, parse_seeds
from jaxfr.sweeps.plan import Plan, plan_runs, take_shard
from jaxfr.sweeps.readers import check_read
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest
from jaxfr.terminal import note
from jaxfr.training.memory import available_memory

EXAMPLE = "--sweep_file=mine.toml --dry_run"
"""For ``--help``, of the flags that only this program has."""

run_flags.define_run_flags(lists=RUN_OPTIONS)
for _module in (run_flags, data_flags, execution_flags, process_flags, program):
    flags.adopt_module_key_flags(_module)

_SWEEP_FILE = flags.DEFINE_string(
    "sweep_file",
    None,
    "File (.toml or .json) with seeds, a table grid of options whose values are all "
    "combined, and tables list, each combined with the grid in turn. Options that it "
    "does not name are taken from the flags.",
)
_SHARD_INDEX = define_number(
    "shard_index", 0, "Which part of the runs to do, from 0.", COUNT
)
_NUM_SHARDS = define_number(
    "num_shards", 1, "Into how many parts the runs are divided.", COUNT_FROM_1
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run",
    False,
    "Says what there is to do, how much memory it needs and how long it takes; "
    "compiles every program and times a few rounds of it.",
)

# Of more groups than this the table is left to jaxfr results.
_MOST_SHOWN = 40


def main() -> None:
    """Does what the flags say."""
    path = execution_flags.store_path()
    if path is None and not _DRY_RUN.value:
        raise InvalidInputError("store: name the folder for the records, --store=...")
    wanted = chosen_runs()
    if _DRY_RUN.value and COORDINATOR_ADDRESS.value is not None:
        raise InvalidInputError("dry_run: takes one process, no coordinator_address")
    options = execution_flags.run_options(start_flagged_devices)
    plan = plan_runs(wanted, data_flags.load_options())
    plan = take_shard(plan, _SHARD_INDEX.value, _NUM_SHARDS.value)
    if not plan.groups:
        print(f"shard {_SHARD_INDEX.value}: no run is left for it")
    elif path is None or _DRY_RUN.value:
        _foretell(plan, path, options)
    else:
        _run(plan, path, options)


def chosen_runs() -> list[RunRequest]:
    """All runs, from the flags and the file that they may name, but none in vain."""
    content = SweepFile({}, (), None)
    if _SWEEP_FILE.value is not None:
        content = read_sweep_file(user_path(_SWEEP_FILE.value, "sweep_file"))
    in_file = {*content.grid, *(name for axes in content.alternatives for name in axes)}
    if content.seeds is not None:
        in_file.add("seeds")
    twice = sorted(name for name in in_file if flags.FLAGS[name].present)
    if twice:
        raise InvalidInputError(
            f"{twice[0]}: stands in {_SWEEP_FILE.value} and on the command line"
        )
    axes: Axes = {name: flags.FLAGS[name].value or () for name in RUN_OPTIONS}
    seeds = content.seeds or parse_seeds(flags.FLAGS.seeds)
    wanted = cross({**axes, **content.grid, "seed": seeds}, content.alternatives)
    check_read(wanted)
    return wanted


def _foretell(plan: Plan, path: pathlib.Path | None, options: ExecutionOptions) -> None:
    store = None
    if path is not None:
        store = look_into_store(
            path, execution_flags.ANY_CODE_VERSION.value, lack_of_record
        )
    forecasts = forecast(
        plan, store, options, lambda group: note(f"{group.title}: measuring")
    )
    print(format_forecasts(forecasts, available_memory()))


def _run(plan: Plan, path: pathlib.Path, options: ExecutionOptions) -> None:
    runs, done = len(plan.runs), 0
    with opened_store(path, execution_flags.ANY_CODE_VERSION.value) as store:
        found = sum(store.is_finished(run.identity) for run in plan.runs)
        if is_leader():
            print(
                f"{runs} runs of {len(plan.groups)} programs, {found} of them finished",
                flush=True,  # a log has it before what comes of it
            )
        for _ in run_with_progress(plan, store, options, "sweep"):
            done += 1
        if not is_leader():
            return
        records = store.records([run.identity for run in plan.runs])
    group_by = default_groupings(records, option_names(records))
    metric = main_metric(records[0])
    cells = summarize(records, group_by, metric)
    if len(cells) <= _MOST_SHOWN:
        print(format_results({metric: cells}, group_by))
    warn(records)
    print(
        f"{done} runs done, {found} found finished, {runs - done - found} done by "
        f"others; jaxfr results --store={execution_flags.STORE.value} shows them"
    )

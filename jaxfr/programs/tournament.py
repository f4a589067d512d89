r"""Tries every attack against every defense and judges each by its worst case.

jaxfr tournament --suite=v1 --dataset=ml-100k --model=fedmf \
    --aggregator=median,./mine.py:my_stage+mean --output_dir=runs/tournament

A tournament that was stopped goes on where it was; --quick takes some ten minutes.
"""

import dataclasses
import functools
import pathlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags

from jaxfr.data import Dataset
from jaxfr.data.datasets import dataset_name
from jaxfr.errors import InvalidInputError
from jaxfr.files import user_errors, user_path, write_atomically
from jaxfr.own_files import own_files
from jaxfr.programs import data_flags, execution_flags, output_flags
from jaxfr.programs.flag_parsers import ListParser, NumberParser, ValueSerializer
from jaxfr.programs.running import finished_records, warn
from jaxfr.ranges import AMOUNT, SHARE, Range
from jaxfr.records import export
from jaxfr.records.headings import heading
from jaxfr.records.names import dataset_title, part_title
from jaxfr.records.pictures import can_draw, drawn
from jaxfr.store.identity import code_version
from jaxfr.sweeps.execution import ExecutionOptions, start_devices
from jaxfr.sweeps.grid import SEEDS_HELP
from jaxfr.sweeps.plan import Plan, plan_runs
from jaxfr.sweeps.request import RunRequest
from jaxfr.sweeps.sources import load_sources, source_name
from jaxfr.terminal import fit, note
from jaxfr.texts import read_part
from jaxfr.tournament.entries import (
    as_file_name,
    enter,
    make_entry,
    read_entries,
    write_entry,
)
from jaxfr.tournament.judging import Records, Standing, judge
from jaxfr.tournament.page import Pictures, render_entries, render_page
from jaxfr.tournament.pictures import draw_attacks_by_defense, draw_over_share
from jaxfr.tournament.suite import SUITES, Suite, read_suite
from jaxfr.tournament.trials import (
    Trial,
    defense_title,
    wanted_trials,
    with_ablations,
)

EXAMPLE = "--suite=v1 --ablations --entries_dir=runs/entries"
"""For ``--help``, of the flags that only this program has."""

for _module in (data_flags, execution_flags):
    flags.adopt_module_key_flags(_module)

PAGE, STANDINGS, TRIALS = "README.md", "standings.csv", "trials.csv"

# Beside the suite's metrics: of the users whose test item is unpopular.
_OF_TAIL = ("within_third_hr@10_tail",)

_SUITE = flags.DEFINE_string(
    "suite",
    SUITES[0],
    f"What defenses are tried against: {' or '.join(SUITES)}, or a file (.json) of the "
    "same fields.",
)
_QUICK = flags.DEFINE_bool(
    "quick", False, "The suite quick: few attacks, two seeds; for a look, no claims."
)
_AGGREGATOR = flags.DEFINE_list(
    "aggregator",
    None,
    "Defenses, with commas between them: stages and a rule, yours of a file as in "
    "./mine.py:my_stage+mean among them. Default: those that the suite names. The "
    "undefended mean is always there.",
)
_ABLATIONS = flags.DEFINE_bool(
    "ablations",
    False,
    "Also tries each stage of each defense alone, and each left out.",
)
_ATTACK = flags.DEFINE_list(
    "attack",
    [],
    "Attacks beside those of the suite, as ./mine.py:my_attack or promote:spread=3.",
)
_DATASET = flags.DEFINE_list("dataset", None, "Some of the suite's data sets.")
_MODEL = flags.DEFINE_list("model", None, "Some of the suite's models.")


def _define_numbers(name: str, help: str, allowed: Range) -> flags.FlagHolder[Any]:
    parser = ListParser(NumberParser(allowed), ",")
    return flags.DEFINE(parser, name, None, help, serializer=ValueSerializer(",", str))


_RATIO = _define_numbers(
    "malicious_ratio", "Other malicious shares of all clients than the suite's.", SHARE
)
_DECLARED = _define_numbers(
    "declared",
    "How many Byzantine clients a defense that asks is told to expect, over how many "
    "there are, as in 0,0.5,1,2. Default: as the suite says; v1 says 1.",
    AMOUNT,
)
_SEEDS = flags.DEFINE_string(
    "seeds", None, f"{SEEDS_HELP} Default: those of the suite."
)
output_flags.define_figure_width()
_ENTRIES_DIR = flags.DEFINE_string(
    "entries_dir",
    None,
    "Folder of entries: a JSON file for each defense, with errata, and a page of all. "
    "Only a whole suite with its own seeds makes entries, on the data sets and models "
    "that are named. Default: none are written.",
)
output_flags.define(
    f"{PAGE} (the standings, worst cases, filters), {STANDINGS}, {TRIALS} (a row for "
    f"each run), pictures, and the result store {execution_flags.STORE_FOLDER} where "
    "--store names no other",
    required=True,
)


def main() -> None:
    """Does what the flags say."""
    folder = output_flags.output_dir()
    if folder is None:
        raise InvalidInputError(
            "output_dir: name the folder for the page, --output_dir=..."
        )
    frozen = _frozen_suite()
    suite = flagged_suite(frozen)
    entries = _entries_folder(frozen, suite)
    defenses = _AGGREGATOR.value or list(suite.aggregator)
    tried = defenses
    if _ABLATIONS.value:
        tried = [one for defense in defenses for one in with_ablations(defense)]
    output_flags.prepare_folder(folder, [PAGE, STANDINGS, TRIALS])

    output_flags.tell_undrawn("pictures")
    options = execution_flags.run_options(start_devices)
    loaded = _load(suite.dataset)
    clients = {name: dataset.num_users for name, dataset in loaded.items()}
    trials = wanted_trials(suite, tried, clients, note)
    plan = plan_runs(list(trials.values()), data_flags.load_options(), loaded)
    path = execution_flags.store_path() or folder / execution_flags.STORE_FOLDER
    records, failure = _run(plan, trials, path, options)

    metrics = [metric.name for metric in plan.runs[0].request.experiment.metrics]
    standings = [
        one
        for metric in (*metrics, *_OF_TAIL)
        if any(record.get(metric) is not None for record in records.values())
        for one in judge(records, metric)
    ]
    written = _write(folder, suite, records, standings)
    if entries is not None and failure is None:
        written += _enter(entries, frozen, tried, standings)
    _tell([one for one in standings if one.metric == metrics[0]])
    warn(list(records.values()))
    output_flags.tell_written(written)
    if failure is not None:
        raise failure


def _frozen_suite() -> Suite:
    """The suite that is named, as it stands."""
    if _QUICK.value and flags.FLAGS["suite"].present:
        raise InvalidInputError(
            "quick: is a suite of its own, and --suite says another"
        )
    return read_suite("quick" if _QUICK.value else _SUITE.value)


def flagged_suite(suite: Suite) -> Suite:
    """A suite with what the flags put in place of its fields, and further attacks."""
    given = {
        "dataset": _DATASET.value,
        "model": _MODEL.value,
        "malicious_ratio": _RATIO.value,
        "declared": _DECLARED.value,
    }
    changed: dict[str, Any] = {n: tuple(v) for n, v in given.items() if v is not None}
    if _SEEDS.value is not None:
        changed["seeds"] = _SEEDS.value
    attacks = dict.fromkeys((*suite.attack, *_ATTACK.value))
    return dataclasses.replace(suite, **changed, attack=tuple(attacks))


def _entries_folder(frozen: Suite, suite: Suite) -> pathlib.Path | None:
    """Where entries go, which only data and models of the suite itself make."""
    if _ENTRIES_DIR.value is None:
        return None
    parts = "dataset", "model"
    same = dataclasses.replace(
        suite, attack=frozen.attack, dataset=frozen.dataset, model=frozen.model
    )
    if same != frozen or not all(
        set(getattr(suite, name)) <= set(getattr(frozen, name)) for name in parts
    ):
        raise InvalidInputError(
            f"entries_dir: entries are made with what suite {frozen.name} says; only "
            "dataset and model may name some of its own, and attack more"
        )
    folder = user_path(_ENTRIES_DIR.value, "entries_dir")
    with user_errors("make the folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _load(names: Sequence[str]) -> dict[str, Dataset]:
    by_name: dict[str, str] = {}
    for one in names:
        other = by_name.setdefault(dataset_name(one), one)
        if other != one:
            raise InvalidInputError(f"dataset: {other} and {one} have the same name")
    sources = {name: source_name(RunRequest(dataset=name)) for name in names}
    found = load_sources(sources.values(), data_flags.load_options())
    return {name: found[source].dataset for name, source in sources.items()}


def _run(
    plan: Plan,
    trials: Mapping[Trial, RunRequest],
    path: pathlib.Path,
    options: ExecutionOptions,
) -> tuple[Records, InvalidInputError | None]:
    """Does the runs that are not in the store yet; the record of each trial.

    Beside them stands why some are missing, if any are.
    """
    records, failure = finished_records(
        plan,
        list(trials.values()),
        path,
        options,
        "tournament",
        execution_flags.ANY_CODE_VERSION.value,
        f"{len(trials)} trials in",
    )
    named = (one._replace(dataset=dataset_name(one.dataset)) for one in trials)
    pairs = zip(named, records, strict=True)
    return {trial: one for trial, one in pairs if one is not None}, failure


def _write(
    folder: pathlib.Path, suite: Suite, records: Records, standings: Sequence[Standing]
) -> list[pathlib.Path]:
    """Writes the page, its tables and pictures, and says which files."""
    written = [folder / STANDINGS, folder / TRIALS, folder / PAGE]
    export.write_rows([one.row() for one in standings], written[0])
    rows = [{**export.flatten(one), **t._asdict()} for t, one in records.items()]
    export.write_rows(rows, written[1])
    pictures = {}
    for dataset, model in dict.fromkeys((t.dataset, t.model) for t in records):
        name = as_file_name(f"{dataset}_{model}")
        over_share = _over_share(folder, name, suite.metric, dataset, model, standings)
        by_share = {}
        for ratio in suite.malicious_ratio:
            own = {
                trial: record
                for trial, record in records.items()
                if trial[:2] == (dataset, model) and trial.malicious_ratio == ratio
            }
            path = folder / f"heatmap_{name}_{100 * ratio:g}.png"
            title = f"{dataset_title(dataset)}, {part_title(model)}, "
            title += f"{100 * ratio:g} % malicious"
            draw = functools.partial(
                draw_attacks_by_defense,
                *(own, suite.metric, title),
                width=output_flags.figure_width(),
            )
            files = drawn(draw, path) if can_draw() else []
            if files:
                by_share[ratio] = path.name
            written += files
        written += over_share
        shown = over_share[0].name if over_share else None
        pictures[dataset, model] = Pictures(by_share, shown)
    command = shlex.join(["jaxfr", "tournament", *sys.argv[1:]])
    page = render_page(suite, standings, records, pictures, command)
    write_atomically(folder / PAGE, page.encode())
    return written


def _over_share(
    folder: pathlib.Path,
    name: str,
    metric: str,
    dataset: str,
    model: str,
    standings: Sequence[Standing],
) -> list[pathlib.Path]:
    """Draws the worst cases by share if there are several; the files, PNG first."""
    own = [
        one
        for one in standings
        if (one.dataset, one.model, one.metric) == (dataset, model, metric)
    ]
    if not can_draw() or len({one.malicious_ratio for one in own}) < 2:
        return []
    path = folder / f"over_share_{name}.png"
    draw = functools.partial(
        draw_over_share,
        own,
        f"{dataset_title(dataset)}, {part_title(model)}",
        width=output_flags.figure_width(),
    )
    return drawn(draw, path)


def _enter(
    folder: pathlib.Path,
    suite: Suite,
    defenses: Sequence[str],
    standings: Sequence[Standing],
) -> list[pathlib.Path]:
    """Writes what becomes of the entry of each defense, and the page of all.

    Of an entry that stays as it is that is told, and not that it was written.
    """
    entries = {entry.file_name: entry for entry in read_entries(folder)}
    written = []
    for defense in dict.fromkeys(defenses):
        files = [file.copy_name for file in own_files(read_part("aggregator", defense))]
        version = suite, _ATTACK.value, code_version()
        new = make_entry(defense, *version, standings, files)
        before = entries.get(new.file_name)
        entries[new.file_name] = enter(before, new)
        if entries[new.file_name] == before:
            print(f"kept {folder / new.file_name}, which stands as it was")
        else:
            written.append(write_entry(entries[new.file_name], folder))
    page = render_entries([entries[name] for name in sorted(entries)], suite.metric)
    write_atomically(folder / PAGE, page.encode())
    return [*written, folder / PAGE]


def _tell(standings: Sequence[Standing]) -> None:
    """Prints the standings by the metric that attacks are chosen by."""
    header = ["share", "defense", "clean", "worst", "95 % interval", "worst attack"]
    for dataset, model in dict.fromkeys((one.dataset, one.model) for one in standings):
        rows = [header]
        for one in standings:
            if (one.dataset, one.model) == (dataset, model):
                interval = f"{one.worst.low:.3f} to {one.worst.high:.3f}"
                rows.append(
                    [
                        f"{100 * one.malicious_ratio:g} %",
                        defense_title(one.aggregator, one.declared),
                        *(f"{one.clean:.3f}", f"{one.worst.mean:.3f}"),
                        interval if one.seeds > 1 else "-",
                        one.worst_attack,
                    ]
                )
        metric = heading(standings[0].metric)
        print(
            f"{dataset}, {model}: worst {metric}, mean over seeds",
            fit(rows, 2),
            sep="\n",
        )

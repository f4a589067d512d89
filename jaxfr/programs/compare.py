r"""Compares defenses under attacks: a table, figures, worst cases, a page to explore.

jaxfr compare --dataset=ml-100k --defenses=paper,./mine.py:my_stage+mean \
    --attacks=paper,./mine.py:my_attack --output_dir=runs/compare

The word paper stands for the defenses, or the attacks, of Spattack's paper. What was
stopped goes on where it was. For all attacks and a verdict by the worst of each seed
there is jaxfr tournament.
"""

import functools
from collections.abc import Sequence
from typing import Any

from absl import flags

from jaxfr.attacks import CLEAN
from jaxfr.errors import InvalidInputError
from jaxfr.explorer import PAGE_FILE, can_render, write_page
from jaxfr.parts import Part
from jaxfr.programs import data_flags, execution_flags, output_flags, run_flags
from jaxfr.programs.running import finished_records, warn
from jaxfr.programs.summary_files import (
    DIFFERENCES_FILE,
    SUMMARY_FILE,
    WORST_CASE_FILE,
    Summary,
    summary_of,
    write_summary,
)
from jaxfr.records.chance import main_metric
from jaxfr.records.grid import WORST_CASE
from jaxfr.records.headings import heading
from jaxfr.records.names import value_title
from jaxfr.records.paired import (
    Difference,
    format_differences,
    paired_differences,
    worst_of_seeds,
)
from jaxfr.records.paper import paper_table, plain
from jaxfr.records.pictures import can_draw, drawn
from jaxfr.records.plots import drawn_metrics
from jaxfr.records.record import Record
from jaxfr.records.selection import shown
from jaxfr.records.tables import worst_case_table
from jaxfr.records.worst_case import draw_worst_case
from jaxfr.sweeps.execution import start_devices
from jaxfr.sweeps.grid import Axes, cross, parse_seeds
from jaxfr.sweeps.paper import IN_PAPER, PAPER, read_parts
from jaxfr.sweeps.plan import plan_runs
from jaxfr.sweeps.readers import check_read
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest, keep_own_files
from jaxfr.terminal import note, paragraph
from jaxfr.texts import write_field
from jaxfr.tournament.trials import UNDEFENDED

EXAMPLE = "--defenses=median,clip_by_norm:0.5+mean --attacks=paper,promote"
"""For ``--help``, of the flags that only this program has."""

WORST_CASE_PICTURE = "worst_case.png"

_LISTS = ("dataset", "model", "malicious_ratio")

run_flags.define_run_flags(_LISTS, seeds="0:5", without=("aggregator", "attack"))
for _module in (run_flags, data_flags, execution_flags):
    flags.adopt_module_key_flags(_module)

_DEFENSES = flags.DEFINE_list(
    "defenses",
    [PAPER],
    "Defenses, with commas between them: stages and a rule, yours of a file as in "
    "./mine.py:my_stage+mean among them. "
    f"{PAPER}: {', '.join(IN_PAPER['aggregator'])}. The undefended mean is always "
    "there.",
)
_ATTACKS = flags.DEFINE_list(
    "attacks",
    [PAPER],
    "Attacks, with commas between them, as ./mine.py:my_attack or promote:spread=3. "
    f"{PAPER}: {', '.join(IN_PAPER['attack'])}. The clean run is always there.",
)
output_flags.define(
    f"{PAGE_FILE} (a page to explore the runs), {SUMMARY_FILE}, {WORST_CASE_FILE}, "
    f"{DIFFERENCES_FILE} (of every two defenses over the same seeds, under the worst "
    "attack of each seed and under each attack), of each metric a table as LaTeX and "
    "Markdown, a heatmap, lines and curves over the rounds, as in table_hr_at_10.tex, "
    f"{WORST_CASE_PICTURE}, and the result store {execution_flags.STORE_FOLDER} where "
    "--store names no other"
)
output_flags.define_figure_width()


def main() -> None:
    """Does what the flags say."""
    wanted = wanted_runs()
    folder = output_flags.prepare_output(
        [PAGE_FILE, SUMMARY_FILE, WORST_CASE_FILE, WORST_CASE_PICTURE]
    )
    output_flags.tell_undrawn("pictures")
    if folder is not None and not can_render():
        told = "no page to explore will be written: that needs pip install"
        print(f"{told} 'jaxfr[report]'", flush=True)
    options = execution_flags.run_options(start_devices)
    run = [_alike_for_all_ratios(request, wanted[0]) for request in wanted]
    plan = plan_runs(run, data_flags.load_options())
    own_store = None if folder is None else folder / execution_flags.STORE_FOLDER
    path = execution_flags.store_path() or own_store
    any_code = execution_flags.ANY_CODE_VERSION.value
    found, failure = finished_records(plan, run, path, options, "compare", any_code)
    records = [*{one["run"]: one for one in found if one is not None}.values()]
    named = [
        _named(request, record)
        for request, record in zip(wanted, found, strict=True)
        if record is not None
    ]
    varying = [name for name in _LISTS if len({one[name] for one in named}) > 1]
    summary, title = _summarize(named, varying), _title(named, varying)
    group_by, metric = summary.group_by, next(iter(summary.cells))
    written = []
    # Files first: what becomes of the printed tables must not cost them.
    if folder is not None:
        keep_own_files(wanted, folder)
        written = write_summary(summary, title)
        draw = functools.partial(
            draw_worst_case,
            *(summary.cells[metric], group_by, metric, title),
            width=output_flags.figure_width(),
        )
        written += drawn(draw, folder / WORST_CASE_PICTURE) if can_draw() else []
        if can_render():
            written.insert(0, folder / PAGE_FILE)
            write_page(written[0], records, str(path))
    table = paper_table(summary.cells[metric], *summary[:3], metric, shown)
    print(paragraph(title), plain(table), sep="\n\n", end="\n\n")
    print(worst_case_table(summary.cases.get(metric, []), group_by, metric))
    beside = summary.beside_compared
    at_worst = [
        one
        for one in summary.differences[metric]
        if one.group[beside.index("attack")] == WORST_CASE
    ]
    if at_worst:
        told = at_worst, beside, "aggregator", heading(metric)
        print(f"\n{format_differences(*told)}")
    warn(records)
    output_flags.tell_written(written)
    if failure is not None:
        raise failure


def wanted_runs() -> list[RunRequest]:
    """All runs that the flags name, with the clean ones and those without a defense.

    What of the paper a model cannot have is left out, and told of.
    """
    axes: dict[str, Sequence[Any]] = {"seed": parse_seeds(flags.FLAGS.seeds)}
    for name in RUN_OPTIONS.keys() - IN_PAPER:
        value: Any = flags.FLAGS[name].value
        axes[name] = value if name in _LISTS else (value,)
    of_models: list[Axes] = [
        {
            "model": (model,),
            "aggregator": _read("aggregator", UNDEFENDED, _DEFENSES, model),
            "attack": _read("attack", CLEAN, _ATTACKS, model),
        }
        for model in axes["model"]
    ]
    wanted = cross(axes, of_models)
    check_read(wanted)
    return wanted


def _alike_for_all_ratios(request: RunRequest, first: RunRequest) -> RunRequest:
    """A clean run at the ratio of the first, where its rule does not read the ratio."""
    experiment = request.experiment
    if experiment.is_clean and not experiment.rule().expects_byzantine:
        return request.replace(malicious_ratio=first.experiment.malicious_ratio)
    return request


def _read(
    option: str, first: str, flag: flags.FlagHolder[list[str]], model: Part[Any]
) -> list[Part[Any]]:
    """The parts of a flag, behind the one that is always there."""
    try:
        return read_parts(option, [first, *flag.value], model, note)
    except InvalidInputError as error:
        raise InvalidInputError(f"{flag.name}: {error}") from None


def _named(request: RunRequest, record: Record) -> Record:
    """A record whose defense and attack are called as one writes them.

    A clean run stands beside those of the ratio that was wanted.
    """
    texts = {name: write_field(name, request.value(name)) for name in IN_PAPER}
    return {**record, **texts, "malicious_ratio": request.value("malicious_ratio")}


def _summarize(records: Sequence[Record], varying: Sequence[str]) -> Summary:
    group_by = [*varying, "aggregator", "attack"]
    metrics = dict.fromkeys((main_metric(records[0]), *drawn_metrics(records[0])))
    summary = summary_of(records, group_by, "attack", "aggregator", metrics)
    differences = {
        metric: [*_worst_differences(records, group_by, metric), *found]
        for metric, found in summary.differences.items()
    }
    return summary._replace(differences=differences)


def _worst_differences(
    records: Sequence[Record], group_by: Sequence[str], metric: str
) -> list[Difference]:
    """Of every two defenses, each under its own worst attack of each seed."""
    worst = worst_of_seeds(records, group_by, metric)
    return paired_differences(worst, group_by, "aggregator", metric) if worst else []


def _title(records: Sequence[Record], varying: Sequence[str]) -> str:
    """What all runs have in common."""
    one = records[0]
    told = [value_title(n, one[n]) for n in ("dataset", "model") if n not in varying]
    if "malicious_ratio" not in varying:
        told.append(f"{100 * one['malicious_ratio']:g} % malicious")
    seeds = len({record["seed"] for record in records})
    told += [f"{one['rounds']} rounds", f"{seeds} seed{'s' * (seeds > 1)}"]
    return ", ".join([*told, f"{one['ranking']} ranking"])

r"""Times jaxfr's rounds next to the same rounds in other array packages.

jaxfr benchmark --dataset=ml-100k --aggregator=mean,median \
    --output_dir=runs/benchmark
"""

import functools
import sys
from concurrent.futures.process import BrokenProcessPool

import jax
from absl import flags

from jaxfr.benchmarking import flags as benchmark_flags
from jaxfr.benchmarking.case import Record, measure_case
from jaxfr.benchmarking.measuring import call_apart
from jaxfr.benchmarking.report import draw_cost_by_size, format_report
from jaxfr.benchmarking.rounds import Case
from jaxfr.errors import InvalidInputError
from jaxfr.files import note
from jaxfr.programs.program import prepare_output
from jaxfr.records.pictures import can_draw, drawn
from jaxfr.records.record import write_records

RESULTS_FILE = "benchmark.jsonl"
PLOT_FILE = "cost_by_size.png"

flags.adopt_module_key_flags(benchmark_flags)

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    f"Folder for {RESULTS_FILE} (a line for each case: every setting, all seconds, "
    f"bytes, versions, device) and, with --sizes, {PLOT_FILE}. Default: nothing is "
    "written.",
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Whether files that exist already may be replaced."
)


def main() -> None:
    """Does what the flags say; ends with 1 if a case is missing."""
    # Nothing is computed here, and a GPU is left to the processes that measure.
    jax.config.update("jax_platforms", "cpu")
    cases = benchmark_flags.chosen_cases()
    sizes = benchmark_flags.chosen_sizes()
    folder = None
    files = [RESULTS_FILE] + [PLOT_FILE] * bool(sizes)
    if _OUTPUT_DIR.value is not None:
        if sizes and not can_draw():
            raise InvalidInputError(
                "--sizes draws a picture, which needs pip install 'jaxfr[plots]'"
            )
        folder = prepare_output(_OUTPUT_DIR.value, files, _OVERWRITE.value)

    records: list[Record] = []
    for case in cases:
        note(f"{_title(case)}: measuring")
        record = measure_apart(case)
        if record is None:
            note(f"{_title(case)}: died, for lack of memory?")
            continue
        records.append(record)
        if folder is not None:
            write_records(folder / RESULTS_FILE, records)
    written = [] if folder is None or not records else [folder / RESULTS_FILE]
    if written and folder is not None and sizes:
        draw = functools.partial(draw_cost_by_size, records)
        written += [folder / PLOT_FILE] * drawn(draw, folder / PLOT_FILE)
    if records:
        print(format_report(records))
    if written:
        print(f"wrote {' and '.join(map(str, written))}")
    if len(records) < len(cases):
        sys.exit(1)


def measure_apart(case: Case) -> Record | None:
    """Measures a case in a fresh process: peak memory is that of a whole process.

    This process loads no data, so that it stays smaller than any that it starts.

    Returns:
        The record, or None if the process died or ran out of memory.
    """
    try:
        return call_apart(measure_case, case)
    except (BrokenProcessPool, MemoryError):
        return None


def _title(case: Case) -> str:
    name = f"{case.dataset} {case.synthetic}".strip()
    devices = f"{case.num_devices} device{'s' * (case.num_devices > 1)}"
    runs = f", {case.runs} runs" if case.runs > 1 else ""
    return f"{name}, {case.aggregator}, {case.attack}, {devices}{runs}"

r"""Times jaxfr's rounds next to the same rounds in other array packages.

jaxfr benchmark --dataset=ml-100k --aggregator=mean,median \
    --output_dir=runs/benchmark
"""

import functools
import sys
import time
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool

import jax
from absl import flags

from jaxfr.benchmarking import checks
from jaxfr.benchmarking.case import Case
from jaxfr.benchmarking.measuring import measure_case
from jaxfr.benchmarking.report import draw_cost_by_size, format_report
from jaxfr.benchmarking.timing import call_apart
from jaxfr.data.datasets import dataset_name
from jaxfr.errors import InvalidInputError
from jaxfr.programs import benchmark_flags, output_flags, program
from jaxfr.programs.flag_parsers import define_number
from jaxfr.ranges import AMOUNT
from jaxfr.records.pictures import can_draw, drawn
from jaxfr.records.record import Record, write_records
from jaxfr.stopping import keep
from jaxfr.terminal import note

EXAMPLE = "--sizes=1000000,5000000 --repeats=5 --references=numpy,torch"
"""For ``--help``, of the flags that only this program has."""

RESULTS_FILE = "benchmark.jsonl"
CHECKS_FILE = "checks.jsonl"
PLOT_FILE = "cost_by_size.png"

# The checks may take so much of the time, the rest is for what is measured.
_SHARE_OF_CHECKS = 0.5

for _module in (benchmark_flags, program):
    flags.adopt_module_key_flags(_module)

output_flags.define(
    f"{RESULTS_FILE} (a line for each case: every setting, all seconds, bytes, "
    f"versions, device), with --sizes {PLOT_FILE} and with --checks {CHECKS_FILE}"
)
_CHECKS = flags.DEFINE_bool(
    "checks",
    False,
    "Whether to look first if this device computes what the CPU does: short runs of "
    "the first data set on both and, in a checkout, the tests marked for devices.",
)
_TIME_BUDGET = define_number(
    "time_budget",
    0,
    "Seconds for all of it; what is not done by then is left out. 0: no bound.",
    AMOUNT,
)


def main() -> None:
    """Does what the flags say; ends with 1 if a case is missing or a check failed."""
    began = time.perf_counter()
    # Nothing is computed here, and a GPU is left to the processes that measure.
    jax.config.update("jax_platforms", "cpu")
    cases = benchmark_flags.chosen_cases()
    sizes = flags.FLAGS.sizes
    if output_flags.output_dir() is not None and sizes and not can_draw():
        raise InvalidInputError(
            "--sizes draws a picture, which needs pip install 'jaxfr[plots]'"
        )
    files = [RESULTS_FILE] + [PLOT_FILE] * bool(sizes) + [CHECKS_FILE] * _CHECKS.value
    folder = output_flags.prepare_output(files)

    def seconds_left() -> float | None:
        spent = time.perf_counter() - began
        return _TIME_BUDGET.value - spent if _TIME_BUDGET.value else None

    if folder is not None:
        path = folder / RESULTS_FILE
        keep(f"cases that were measured are kept in {path}", goes_on=False)
    right = True
    if _CHECKS.value:
        note("checking this device against the CPU")
        found = checks.check_device(
            cases[0], _SHARE_OF_CHECKS * (seconds_left() or 3600)
        )
        right = checks.passed(found)
        print(checks.format_checks(found))
        if folder is not None:
            write_records(folder / CHECKS_FILE, [found])

    records: list[Record] = []
    for case in cases:
        title, left = _title(case), seconds_left()
        reason = _reason_to_leave_out(case, records, left)
        if reason:
            note(f"{title}: left out, {reason}")
            continue
        note(f"{title}: measuring")
        record = measure_apart(case, left)
        if record is None:
            note(f"{title}: died, for lack of memory or time?")
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
    output_flags.tell_written(written)
    if len(records) < len(cases) or not right:
        sys.exit(1)


def measure_apart(case: Case, seconds: float | None = None) -> Record | None:
    """Measures a case in a fresh process: peak memory is that of a whole process.

    This process loads no data, so that it stays smaller than any that it starts. None
    if the process died, or ran out of memory or of the seconds that it has.
    """
    try:
        return call_apart(measure_case, case, seconds=seconds)
    except (BrokenProcessPool, MemoryError, TimeoutError):
        return None
    except jax.errors.JaxRuntimeError as error:
        note(str(error).partition("\n")[0])
        return None


def _reason_to_leave_out(
    case: Case, records: Sequence[Record], seconds_left: float | None
) -> str:
    """Why a case is not measured, nothing where it is."""
    if seconds_left is not None and seconds_left <= 0:
        return "the time is over"
    foretold = case.foretold_seconds(records)
    if case.most_seconds is not None and foretold > case.most_seconds:
        return f"as a call would take some {foretold:.0f} s"
    return ""


def _title(case: Case) -> str:
    devices = f"{case.num_devices} device{'s' * (case.num_devices > 1)}"
    runs = f", {case.runs} runs" if case.runs > 1 else ""
    data = dataset_name(case.dataset)
    return f"{data}, {case.aggregator}, {case.attack}, {devices}{runs}"

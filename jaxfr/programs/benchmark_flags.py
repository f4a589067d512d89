"""The flags that say what the benchmark measures, and the cases they name."""

import dataclasses
import os
from typing import Any

from absl import flags

from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import ATTACKS
from jaxfr.benchmarking.case import Case, all_cases, data_of_size
from jaxfr.benchmarking.references import PACKAGES, is_installed
from jaxfr.benchmarking.timing import call_apart
from jaxfr.data import DATASETS
from jaxfr.errors import InvalidInputError
from jaxfr.jax_settings import find_devices
from jaxfr.models import MODELS
from jaxfr.programs import data_flags
from jaxfr.programs.data_flags import load_options
from jaxfr.programs.flag_parsers import (
    ListParser,
    NumberParser,
    ValueSerializer,
    define_number,
)
from jaxfr.ranges import COUNT, COUNT_FROM_1, DEVICES, MOST, POSITIVE, SHARE, Range
from jaxfr.sweeps.execution import MOST_CPU_DEVICES
from jaxfr.terminal import note


def _define_numbers(name: str, default: Any, help: str, allowed: Range) -> None:
    parser = ListParser(NumberParser(allowed), ",")
    serializer = ValueSerializer(",", str)
    flags.DEFINE(parser, name, default, help, serializer=serializer)


flags.adopt_module_key_flags(data_flags)

flags.DEFINE_list(
    "dataset",
    ["ml-100k"],
    f"Data set, or several with commas between them: {', '.join(DATASETS)}, or the "
    "path of a file or folder of your own.",
)
_define_numbers(
    "sizes",
    (),
    "Numbers of interactions, with commas between them: measures synthetic data sets "
    "of these sizes instead of --dataset, with a user for every --user_interactions "
    "(10^6 at most) and 14 items for each root of their number (10^5 at most), and "
    "draws the cost by size.",
    Range(1000, MOST, whole=True),
)
_USER_INTERACTIONS = define_number(
    "user_interactions",
    100,
    "Interactions of a user in the data sets of --sizes, on average.",
    Range(2, MOST, whole=True),
)
flags.DEFINE_list(
    "aggregator",
    ["mean"],
    f"Aggregator, or several with commas between them: {', '.join(AGGREGATORS)}.",
)
flags.DEFINE_list(
    "attack",
    ["none", "spattack_o_d"],
    f"Attack, or several with commas between them: {', '.join(ATTACKS)}. References "
    "compute the clean round in any case.",
)
define_number(
    "malicious_ratio",
    0.05,
    "Malicious share rho of all clients, 0 <= rho < 1; the aggregator expects as many, "
    "in clean rounds too.",
    SHARE,
)
flags.DEFINE_string(
    "model", "fedmf", f"Recommender, as in fedmf:64 for d = 64: {', '.join(MODELS)}."
)
_define_numbers(
    "num_devices",
    None,
    "Numbers of devices that a run is spread over, with commas between them; a CPU "
    "shows itself as so many. References run as they do in any case. Default: 1, and "
    f"all cores of the CPU or all GPUs, up to {MOST_CPU_DEVICES}.",
    DEVICES,
)
_define_numbers(
    "runs",
    (1,),
    "Numbers of runs at once, with commas between them: seeds side by side on a GPU, "
    "one after the other on a CPU. References compute one run in any case.",
    COUNT_FROM_1,
)
define_number(
    "rounds", 10, "Rounds in a timed call, ours and a reference's.", COUNT_FROM_1
)
define_number(
    "repeats",
    7,
    "Timed calls of each; ours and the references' take turns in one process.",
    COUNT_FROM_1,
)
define_number(
    "eval_every",
    0,
    "Evaluates after every so many rounds, within the timed calls; 0: never.",
    COUNT,
)
define_number(
    "whole_rounds",
    0,
    "Also times whole runs of so many rounds, evaluations and what the host does among "
    "them; 0: none.",
    COUNT,
)
define_number(
    "most_seconds",
    None,
    "So long a case is timed at most, though every call once. Whole runs, and cases of "
    "which already those of fewer runs let expect that a call lasts longer, are left "
    "out.",
    POSITIVE,
)
flags.DEFINE_list(
    "references",
    None,
    f"Packages to compare with, of {', '.join(PACKAGES)}; those not installed are "
    "skipped. mean: numba and torch, a whole round; median: numpy and torch, the "
    "selection only; trimmed_mean: numpy, a sort only, and, with any, jaxfr's own "
    "median; krum: numpy and torch, the matrix products only. numba has one thread, "
    "products of numpy those of its BLAS (OPENBLAS_NUM_THREADS), jaxfr those of XLA. "
    "Default: all; none with --sizes.",
)
define_number("reference_threads", 1, "Threads of torch.", COUNT_FROM_1)


def chosen_cases() -> list[Case]:
    """Every combination of the flags' lists, by data and by runs at once first."""
    wanted = chosen_references()
    loading = load_options()
    lists: dict[str, Any] = {
        "dataset": _chosen_data(),
        "runs": sorted(_value("runs")),
        **{name: _value(name) for name in ("aggregator", "attack")},
        "num_devices": sorted(_value("num_devices") or call_apart(all_num_devices)),
    }
    of_flags = {field.name for field in dataclasses.fields(Case)} & {*flags.FLAGS}
    shared = {name: _value(name) for name in of_flags - lists.keys()}
    shared |= {"data_dir": loading.data_dir, "table": loading.table}
    shared["references"] = tuple(filter(is_installed, wanted))
    cases = all_cases(lists, **shared)
    # Only now, as a mistake is to be the only thing that is said.
    for package in set(wanted) - set(shared["references"]):
        note(f"{package}: not installed, skipped (pip install 'jaxfr[benchmark]')")
    return cases


def chosen_references() -> list[str]:
    """The packages of --references, installed or not."""
    packages = _value("references")
    if packages is None:
        return [] if _value("sizes") else list(PACKAGES)
    for package in packages:
        if package not in PACKAGES:
            raise InvalidInputError(
                f"references={package!r}: allowed are {', '.join(PACKAGES)}"
            )
    return packages


def all_num_devices() -> set[int]:
    """One device, and as many as there are or as the CPU can be shown as.

    To be called in a process of its own: JAX takes hold of a GPU when it looks for one.
    """
    devices = find_devices()
    on_cpu = devices[0].platform == "cpu"
    most = (os.cpu_count() or 1) if on_cpu else len(devices)
    return {1, min(most, MOST_CPU_DEVICES)}


def _chosen_data() -> list[str]:
    """The data sets, as texts."""
    sizes = sorted(_value("sizes"))
    return [data_of_size(size, _USER_INTERACTIONS.value) for size in sizes] or _value(
        "dataset"
    )


def _value(name: str) -> Any:
    return flags.FLAGS[name].value

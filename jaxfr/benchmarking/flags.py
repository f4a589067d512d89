"""The flags that say what the benchmark measures, and the cases they name."""

import itertools
import math
import os
from collections.abc import Sequence

from absl import flags

from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import ATTACKS
from jaxfr.benchmarking.case import REFERENCES, is_installed
from jaxfr.benchmarking.measuring import call_apart
from jaxfr.benchmarking.rounds import Case, available_devices, check_case
from jaxfr.data import DATASETS, own_path
from jaxfr.errors import InvalidInputError
from jaxfr.files import note
from jaxfr.models import MODELS
from jaxfr.programs import data_flags
from jaxfr.programs.data_flags import define_synthetic_flag, load_options
from jaxfr.programs.flag_parsers import define_number
from jaxfr.ranges import COUNT, COUNT_FROM_1, DEVICES, MOST, SHARE, Range
from jaxfr.sweeps.execution import MOST_CPU_DEVICES

_SIZE = Range(1000, MOST, whole=True)

_SYNTHETIC = define_synthetic_flag()
flags.adopt_module_key_flags(data_flags)

_DATASET = flags.DEFINE_list(
    "dataset",
    ["ml-100k"],
    f"Data set, or several with commas between them: {', '.join(DATASETS)}, or the "
    "path of a file or folder of your own.",
)
_SIZES = flags.DEFINE_list(
    "sizes",
    [],
    "Numbers of interactions, at least 1000 each, with commas between them: measures "
    "synthetic data sets of these sizes instead of --dataset, with a user for every "
    "--user_interactions (10^6 at most) and 14 items for each root of their number "
    "(10^5 at most), and draws the cost by size.",
)
_USER_INTERACTIONS = define_number(
    "user_interactions",
    100,
    "Interactions of a user in the data sets of --sizes, on average.",
    Range(2, MOST, whole=True),
)
_AGGREGATOR = flags.DEFINE_list(
    "aggregator",
    ["mean"],
    f"Aggregator, or several with commas between them: {', '.join(AGGREGATORS)}.",
)
_ATTACK = flags.DEFINE_list(
    "attack",
    ["none", "spattack_o_d"],
    f"Attack, or several with commas between them: {', '.join(ATTACKS)}. References "
    "compute the clean round in any case.",
)
_MALICIOUS_RATIO = define_number(
    "malicious_ratio",
    0.05,
    "Malicious share rho of all clients, 0 <= rho < 1; the aggregator expects as many, "
    "in clean rounds too.",
    SHARE,
)
_MODEL = flags.DEFINE_string(
    "model", "fedmf", f"Recommender, as in fedmf:64 for d = 64: {', '.join(MODELS)}."
)
_NUM_DEVICES = flags.DEFINE_list(
    "num_devices",
    None,
    "Numbers of devices that a run is spread over, with commas between them; a CPU "
    "shows itself as so many. References run as they do in any case. Default: 1, and "
    f"all cores of the CPU or all GPUs, up to {MOST_CPU_DEVICES}.",
)
_RUNS = flags.DEFINE_list(
    "runs",
    ["1"],
    "Numbers of runs at once, with commas between them: seeds side by side on a GPU, "
    "one after the other on a CPU. References compute one run in any case.",
)
_ROUNDS = define_number(
    "rounds", 10, "Rounds in a timed call, ours and a reference's.", COUNT_FROM_1
)
_REPEATS = define_number(
    "repeats",
    7,
    "Timed calls of each; ours and the references' take turns in one process.",
    COUNT_FROM_1,
)
_EVAL_EVERY = define_number(
    "eval_every",
    0,
    "Evaluates after every so many rounds, within the timed calls; 0: never.",
    COUNT,
)
_REFERENCES = flags.DEFINE_list(
    "references",
    None,
    f"Packages to compare with, of {', '.join(REFERENCES)}; those not installed are "
    "skipped. mean: all of them, a whole round; norm: numpy, a whole round; median: "
    "numpy and torch, the selection only; trimmed_mean: numpy, a sort only, and, with "
    "any, jaxfr's own median; krum: numpy and torch, the matrix products only. numba "
    "runs on one thread; matrix products of numpy run on the threads of its BLAS "
    "(OPENBLAS_NUM_THREADS); jaxfr on those of XLA. Default: all; none with --sizes.",
)
_REFERENCE_THREADS = define_number(
    "reference_threads", 1, "Threads of torch.", COUNT_FROM_1
)


def synthetic_of_size(num_pairs: int, of_user: int) -> str:
    """Settings of a synthetic data set: items by the root of its size.

    Args:
        num_pairs: its number of interactions.
        of_user: those of a user on average.
    """
    users = min(num_pairs // of_user, 10**6)
    items = min(14 * math.isqrt(num_pairs), 10**5)
    return f"num_users={users},num_items={items},num_pairs={num_pairs}"


def parse_counts(name: str, texts: Sequence[str], allowed: Range) -> tuple[int, ...]:
    """Reads a flag's whole numbers, ascending.

    Raises:
        InvalidInputError: if none is given, or one is not a whole number, not allowed,
            or given twice.
    """
    try:
        numbers = sorted(int(text) for text in texts)
    except ValueError:
        numbers = []
    distinct = numbers and len(set(numbers)) == len(numbers)
    if not distinct or not allowed.holds(numbers):
        raise InvalidInputError(
            f"{name}={','.join(texts)!r}: must be distinct whole numbers from "
            f"{allowed.low} to {allowed.high}"
        )
    return tuple(numbers)


def default_num_devices(platform: str, devices: int) -> tuple[int, ...]:
    """One device, and as many as there are or as the CPU can be shown as."""
    most = (os.cpu_count() or 1) if platform == "cpu" else devices
    return tuple(sorted({1, min(most, MOST_CPU_DEVICES)}))


def chosen_num_devices() -> tuple[int, ...]:
    """The numbers of --num_devices."""
    if _NUM_DEVICES.value is not None:
        return parse_counts("num_devices", _NUM_DEVICES.value, DEVICES)
    # In a process of its own: JAX takes hold of a GPU when it looks for one.
    return default_num_devices(*call_apart(available_devices))


def chosen_sizes() -> tuple[int, ...]:
    """The numbers of --sizes."""
    return parse_counts("sizes", _SIZES.value, _SIZE) if _SIZES.value else ()


def chosen_cases() -> list[Case]:
    """Every combination of the flags' lists, checked."""
    ratio = _MALICIOUS_RATIO.value
    for name in _DATASET.value:
        if name not in DATASETS:
            own_path(name)
    data = [
        ("synthetic", synthetic_of_size(size, _USER_INTERACTIONS.value))
        for size in chosen_sizes()
    ]
    if _SYNTHETIC.value and (data or "synthetic" not in _DATASET.value):
        raise InvalidInputError(
            f"synthetic={_SYNTHETIC.value}: no case reads it; that needs "
            "dataset=synthetic, without sizes"
        )
    data = data or [(name, _SYNTHETIC.value) for name in _DATASET.value]
    loading = load_options()
    wanted = chosen_references()
    references = tuple(filter(is_installed, wanted))
    cases = [
        Case(
            dataset=dataset,
            synthetic=synthetic if dataset == "synthetic" else "",
            data_dir=loading.data_dir,
            aggregator=aggregator,
            attack=attack,
            malicious_ratio=ratio,
            model=_MODEL.value,
            num_devices=num_devices,
            runs=runs,
            rounds=_ROUNDS.value,
            repeats=_REPEATS.value,
            eval_every=_EVAL_EVERY.value,
            references=references,
            reference_threads=_REFERENCE_THREADS.value,
            table=loading.table,
        )
        for (dataset, synthetic), aggregator, attack, num_devices, runs in (
            itertools.product(
                data,
                _AGGREGATOR.value,
                _ATTACK.value,
                chosen_num_devices(),
                parse_counts("runs", _RUNS.value, COUNT_FROM_1),
            )
        )
    ]
    for case in cases:
        check_case(case)
    if not cases or len(set(cases)) != len(cases):
        raise InvalidInputError(
            "dataset, aggregator and attack: name one each, or several distinct ones"
        )
    # Only now, as a mistake is to be the only thing that is said.
    for package in wanted:
        if package not in references:
            note(f"{package}: not installed, skipped (pip install 'jaxfr[benchmark]')")
    return cases


def chosen_references() -> tuple[str, ...]:
    """The packages of --references, installed or not."""
    packages = _REFERENCES.value
    if packages is None:
        packages = [] if chosen_sizes() else REFERENCES
    for package in packages:
        if package not in REFERENCES:
            raise InvalidInputError(
                f"references={package!r}: allowed are {', '.join(REFERENCES)}"
            )
    return tuple(packages)

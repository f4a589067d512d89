"""Measures one case of the benchmark: jaxfr, and next to it the references."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata, util
from typing import Any

import jax
import numpy as np

from jaxfr.benchmarking import measuring
from jaxfr.benchmarking.reference_blocks import (
    BLOCK_REFERENCES,
    PADDING,
    WORK,
    block_bytes,
    draw_blocks,
    product_operations,
)
from jaxfr.benchmarking.reference_problem import (
    draw_embeddings,
    draw_problem,
    expected_rows,
)
from jaxfr.benchmarking.references import ROUND_REFERENCES, require
from jaxfr.benchmarking.rounds import (
    SEED,
    Case,
    JaxfrRounds,
    case_experiment,
    item_blocks,
    load_case,
    set_up_process,
    wanted_experiment,
)
from jaxfr.data import Dataset
from jaxfr.files import note
from jaxfr.records.record import device_name, versions
from jaxfr.sweeps.request import RunRequest, recorded_options
from jaxfr.training import Layout

Record = dict[str, Any]
Call = Callable[[], None]

REFERENCES = ("numpy", "scipy", "numba", "torch")

# References over padded blocks are left out where these would take more.
_MAX_BLOCK_BYTES = 4 << 30


def measure_case(case: Case) -> Record:
    """Measures a case, in a process of its own, whose devices it sets up.

    Returns:
        The case and every setting; ``seconds_per_round`` of all runs together, and of
        one ``seconds_per_run_and_round``, ``nanoseconds_per_row`` and
        ``nanoseconds_per_pair`` (per round), each with ``median``, ``min`` and ``max``;
        ``bandwidth_share``, of what ``bytes_per_pair`` counts, over copies;
        ``raw_seconds`` of each timed call; ``compile_seconds``;
        ``start_seconds``, and ``data_seconds`` for loading and laying out the data;
        ``peak_memory_bytes``, and ``data_memory_bytes``, the peak before compiling;
        ``kept_bytes``, what stays between two calls, and ``sent_bytes`` of each device
        in a round;
        ``references_measured``: by name what each does (``work``), its seconds, and
        the ``ratio`` of our seconds to its own; ``machine``; ``versions``; ``device``,
        and ``device_count``, all that there are.
    """
    set_up_process(case.num_devices)
    began = time.perf_counter()
    dataset, experiment, layout = load_case(case)
    data_seconds = time.perf_counter() - began
    data_memory = measuring.peak_memory()
    ours = JaxfrRounds(experiment, layout, case.rounds, case.eval_every, case.runs)
    ours()
    # Before any reference takes memory of its own.
    peak_memory = measuring.peak_memory()
    others = prepare_references(case, dataset, layout)
    calls = {name: call for name, (_, call) in others.items()}
    seconds = measuring.time_alternating({"jaxfr": ours, **calls}, case.repeats)
    machine = measuring.machine_limits()
    work = {name: words for name, (words, _) in others.items()}
    of_one_run = [call / case.runs for call in seconds["jaxfr"]]
    if case.aggregator == "krum":
        work["matrix_rate"] = "the products at the machine's rate"
        at_rate = seconds_at_rate(case, layout, machine["matrix_gigaflops"])
        seconds["matrix_rate"] = [at_rate] * case.repeats
    return {
        **recorded_options(RunRequest(wanted_experiment(case)), experiment),
        **dataclasses.asdict(case),
        "seed": SEED,
        "num_users": dataset.num_users,
        "num_items": dataset.num_items,
        "num_train_pairs": dataset.num_train_pairs,
        "expected_rows": expected_rows(dataset),
        **_spreads(case, dataset, seconds["jaxfr"]),
        "bandwidth_share": _bandwidth_share(case, dataset, of_one_run, machine),
        "compile_seconds": ours.compile_seconds,
        "start_seconds": ours.start_seconds,
        "data_seconds": data_seconds,
        "kept_bytes": ours.kept_bytes,
        "sent_bytes": ours.sent_bytes,
        "peak_memory_bytes": peak_memory,
        "data_memory_bytes": data_memory,
        "references_measured": _comparisons(case, work, of_one_run, seconds),
        "machine": machine,
        "versions": versions() | package_versions(),
        "device": device_name(),
        "device_count": jax.device_count(),
    }


def _spreads(case: Case, dataset: Dataset, mine: Sequence[float]) -> Record:
    rows, pairs = expected_rows(dataset), dataset.num_train_pairs
    of_one = 1 / case.rounds / case.runs
    return {
        "seconds_per_round": measuring.spread(mine, 1 / case.rounds),
        "seconds_per_run_and_round": measuring.spread(mine, of_one),
        "nanoseconds_per_row": measuring.spread(mine, 1e9 * of_one / rows),
        "nanoseconds_per_pair": measuring.spread(mine, 1e9 * of_one / pairs),
        "raw_seconds": mine,
    }


def _bandwidth_share(
    case: Case, dataset: Dataset, of_one_run: Sequence[float], machine: Record
) -> float:
    """The share of the machine's copy bandwidth that ``bytes_per_pair`` amounts to."""
    pairs = dataset.num_train_pairs * case.rounds
    moved = pairs * measuring.bytes_per_pair(case.embedding_dim)
    rate = moved / statistics.median(of_one_run) / 1e9
    return rate / machine["copy_gigabytes_per_second"]


def _comparisons(
    case: Case,
    work: Mapping[str, str],
    of_one_run: Sequence[float],
    seconds: Mapping[str, Sequence[float]],
) -> Record:
    return {
        name: {
            "work": words,
            "seconds_per_round": measuring.spread(seconds[name], 1 / case.rounds),
            "ratio": measuring.ratios(of_one_run, seconds[name]),
            "raw_seconds": seconds[name],
        }
        for name, words in work.items()
    }


def seconds_at_rate(case: Case, layout: Layout, matrix_gigaflops: float) -> float:
    """How long the matrix products of a call would take at a rate, in seconds."""
    shapes = [(len(items), size) for items, size in _blocks(case, layout)]
    operations = case.rounds * product_operations(shapes, case.embedding_dim)
    return operations / matrix_gigaflops / 1e9


def prepare_references(
    case: Case, dataset: Dataset, layout: Layout
) -> dict[str, tuple[str, Call]]:
    """Draws what the references of a case compute with.

    Returns:
        By name, what each does in words, and a call that does it ``rounds`` times.
    """
    found = _whole_rounds(case, dataset) | _parts_of_rounds(case, dataset, layout)
    if "torch" in found:
        require("torch").set_num_threads(case.reference_threads)
    if case.aggregator == "trimmed_mean" and case.references:
        median = dataclasses.replace(case, aggregator="median")
        experiment = case_experiment(median, dataset.num_users)
        rounds = JaxfrRounds(experiment, layout, case.rounds, case.eval_every)
        found["jaxfr median"] = "round, same attack", rounds
    return found


def _whole_rounds(case: Case, dataset: Dataset) -> dict[str, tuple[str, Call]]:
    references = ROUND_REFERENCES.get(case.aggregator, {})
    wanted = [name for name in references if name in case.references]
    if not wanted:
        return {}
    random = np.random.default_rng(SEED)
    problem = draw_problem(dataset, random)
    embeddings = draw_embeddings(dataset, case.embedding_dim, random)
    calls = {
        name: _repeated(case.rounds, references[name], problem, embeddings)
        for name in wanted
    }
    return {name: ("clean round", call) for name, call in calls.items()}


def _parts_of_rounds(
    case: Case, dataset: Dataset, layout: Layout
) -> dict[str, tuple[str, Call]]:
    references = BLOCK_REFERENCES.get(case.aggregator, {})
    wanted = [name for name in references if name in case.references]
    blocks = _blocks(case, layout)
    shapes = [(len(items), size) for items, size in blocks]
    needed = block_bytes(shapes, case.embedding_dim)
    if wanted and needed > _MAX_BLOCK_BYTES:
        note(
            f"{case.aggregator}: no references, whose blocks would take "
            f"{needed / 1e9:.1f} GB"
        )
    if not wanted or needed > _MAX_BLOCK_BYTES:
        return {}
    random = np.random.default_rng(SEED)
    # Nothing is received of the item that there is not.
    received = np.append(draw_problem(dataset, random).received, 0)
    by_block = [received[items] for items, _ in blocks]
    padding = PADDING[case.aggregator]
    drawn = draw_blocks(shapes, by_block, case.embedding_dim, padding, random)
    calls = {name: _repeated(case.rounds, references[name], drawn) for name in wanted}
    return {name: (WORK[case.aggregator], call) for name, call in calls.items()}


def _blocks(case: Case, layout: Layout) -> Sequence[tuple[np.ndarray, int]]:
    return item_blocks(layout, attacked=case.attack != "none")


def _repeated(rounds: int, function: Callable[..., object], *arguments: object) -> Call:
    def call() -> None:
        for _ in range(rounds):
            function(*arguments)

    return call


def is_installed(package: str) -> bool:
    """Whether a package of the references can be imported."""
    return util.find_spec(package) is not None


def package_versions() -> dict[str, str]:
    """Versions of the packages of the references, by name."""
    return {
        package: metadata.version(package) if is_installed(package) else "not installed"
        for package in REFERENCES
    }

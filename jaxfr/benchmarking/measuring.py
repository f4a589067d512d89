"""Measures a case: jaxfr, and next to it the references."""

import dataclasses
import statistics
import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.benchmarking import timing
from jaxfr.benchmarking.case import Case
from jaxfr.benchmarking.communication import sent_bytes
from jaxfr.benchmarking.reference_rounds import expected_rows
from jaxfr.benchmarking.references import (
    package_versions,
    prepare_references,
    seconds_of_products,
)
from jaxfr.data import Dataset
from jaxfr.data.datasets import dataset_name
from jaxfr.devices import WHOLE, placement, spread
from jaxfr.evaluation.candidates import check_enough_candidates
from jaxfr.experiment import Experiment
from jaxfr.jax_settings import keep_loops
from jaxfr.records.record import Record, device_name, versions
from jaxfr.sweeps.request import RunRequest, recorded_options
from jaxfr.training import Layout, layout_for, run_key, start
from jaxfr.training.batch import Run, run_batch, start_batch, train_batch
from jaxfr.training.compiled import CompiledRuns, compile_programs
from jaxfr.training.memory import held_bytes
from jaxfr.training.round import train_round

# Of the first run; those side by side have the seeds after it.
SEED = 0

# After so many rounds a whole run is evaluated.
_EVAL_EVERY = 10

# The schedule's end, which no timed round reaches: nothing is evaluated there.
_NEVER = 1 << 30


def measure_case(case: Case) -> Record:
    """Measures a case, in a process of its own, whose devices it sets up.

    Returns:
        The case and every setting; ``seconds_per_round`` of all runs together, and of
        one ``seconds_per_run_and_round``, ``nanoseconds_per_row`` and
        ``nanoseconds_per_pair`` (per round), each with ``median``, ``min`` and ``max``;
        ``bandwidth_share``, of what ``bytes_per_pair`` counts, over copies;
        ``raw_seconds`` of each timed call; ``whole_run``, see :func:`time_whole_runs`,
        None where it was left out; ``compile_seconds``; ``start_seconds``, and
        ``data_seconds`` for loading and laying out the data; ``peak_memory_bytes``, and
        ``data_memory_bytes``, the peak before compiling; ``kept_bytes``, what stays
        between two calls, and ``sent_bytes`` of each device in a round;
        ``references_measured``: by name what each does (``work``), its seconds, and
        the ``ratio`` of our seconds to its own; ``machine``; ``versions``; ``device``,
        and ``device_count``, all that there are.
    """
    keep_loops()
    jax.config.update("jax_num_cpu_devices", case.num_devices)
    # What is compiled is timed.
    jax.config.update("jax_enable_compilation_cache", False)
    began = time.perf_counter()
    dataset = case.load()
    experiment = case.experiment().with_data(dataset.num_users, case.dataset)
    check_enough_candidates(dataset, experiment.num_candidates)
    layout = layout_for(experiment, dataset, case.num_devices)
    data_seconds = time.perf_counter() - began
    data_memory = timing.peak_memory()
    ours = TimedRounds(case, experiment, layout)
    ours()
    # Before any reference takes memory of its own.
    peak_memory = timing.peak_memory()
    work, calls = _references(case, dataset, layout)
    seconds = timing.time_alternating(
        {"jaxfr": ours, **calls}, case.repeats, case.most_seconds
    )
    mine, machine = seconds["jaxfr"], timing.machine_limits()
    of_one_run = [call / case.runs for call in mine]
    if case.aggregator == "krum":
        work["matrix_rate"] = "the products at the machine's rate"
        at_rate = seconds_of_products(case, layout, machine["matrix_gigaflops"])
        seconds["matrix_rate"] = [at_rate] * len(mine)
    rows, pairs = expected_rows(dataset), dataset.num_train_pairs
    per_round = 1 / case.rounds
    moved = pairs * case.rounds * timing.bytes_per_pair(case.embedding_dim) / 1e9
    moved_per_second = moved / statistics.median(of_one_run)
    return {
        **recorded_options(RunRequest(case.experiment()), experiment),
        **dataclasses.asdict(case),
        "dataset": dataset_name(case.dataset),
        "seed": SEED,
        "num_users": dataset.num_users,
        "num_items": dataset.num_items,
        "num_train_pairs": pairs,
        "expected_rows": rows,
        "seconds_per_round": timing.spread(mine, per_round),
        "seconds_per_run_and_round": timing.spread(of_one_run, per_round),
        "nanoseconds_per_row": timing.spread(of_one_run, 1e9 * per_round / rows),
        "nanoseconds_per_pair": timing.spread(of_one_run, 1e9 * per_round / pairs),
        "raw_seconds": mine,
        "bandwidth_share": moved_per_second / machine["copy_gigabytes_per_second"],
        "whole_run": _whole_runs(case, ours.compiled, mine),
        "compile_seconds": ours.compiled.seconds,
        "start_seconds": ours.start_seconds,
        "data_seconds": data_seconds,
        "kept_bytes": ours.kept_bytes,
        "sent_bytes": count_sent_bytes(experiment, layout),
        "peak_memory_bytes": peak_memory,
        "data_memory_bytes": data_memory,
        "references_measured": {
            name: {
                "work": words,
                "seconds_per_round": timing.spread(seconds[name], per_round),
                "ratio": timing.ratios(of_one_run, seconds[name]),
                "raw_seconds": seconds[name],
            }
            for name, words in work.items()
        },
        "machine": machine,
        "versions": versions() | package_versions(),
        "device": device_name(),
        "device_count": jax.device_count(),
    }


class TimedRounds:
    """jaxfr's side: each call trains the next rounds, and says how long they took.

    Drawing what the seeds decide takes ``start_seconds``, and ``kept_bytes`` stay in
    memory between calls, on all devices together.
    """

    def __init__(self, case: Case, experiment: Experiment, layout: Layout) -> None:
        self.compiled = compile_programs(
            experiment, layout, case.rounds, runs=case.runs, rounds_per_call=case.rounds
        )
        self._batch, self._state, self.start_seconds = start_batch(
            self.compiled, _runs(self.compiled), _NEVER, case.eval_every
        )
        self._numbers = np.arange(case.rounds, dtype=np.int32)
        self.kept_bytes = {
            "layout": held_bytes(layout),
            "setup": held_bytes(self._batch.setup),
            "state": held_bytes(self._state),
        }

    def __call__(self) -> float:
        """Trains on from where the last call ended; in seconds."""
        self._state, reported = train_batch(self._batch, self._state, self._numbers)
        self._numbers = self._numbers + self._numbers.size
        return reported.seconds


def time_whole_runs(compiled: CompiledRuns, rounds: int) -> dict[str, float]:
    """Times a batch of whole runs, from drawing what their seeds decide to the end.

    There are evaluations after every tenth round.
    """
    began = time.perf_counter()
    run_batch(compiled, _runs(compiled), rounds, _EVAL_EVERY)
    seconds = time.perf_counter() - began
    return {
        "rounds": rounds,
        "seconds": seconds,
        "runs_per_second": compiled.runs / seconds,
    }


def _runs(compiled: CompiledRuns) -> list[Run]:
    return [Run(SEED + place, compiled.experiment) for place in range(compiled.runs)]


def _whole_runs(
    case: Case, compiled: CompiledRuns, seconds: Sequence[float]
) -> Record | None:
    """Whole runs, where they are asked for and do not last too long."""
    foretold = statistics.median(seconds) * case.whole_rounds / case.rounds
    if not case.whole_rounds or foretold > (case.most_seconds or foretold):
        return None
    return time_whole_runs(compiled, case.whole_rounds)


def _references(
    case: Case, dataset: Dataset, layout: Layout
) -> tuple[dict[str, str], dict[str, timing.Timed]]:
    """What the references do in words, and the timed calls that do it, by name."""
    found = prepare_references(case, dataset, layout, SEED)
    work = {name: words for name, (words, _) in found.items()}
    calls = {name: timing.timed(call) for name, (_, call) in found.items()}
    if case.aggregator == "trimmed_mean" and case.references:
        median = dataclasses.replace(case, aggregator="median", runs=1)
        experiment = median.experiment().with_data(dataset.num_users)
        work["jaxfr median"] = "round, same attack"
        calls["jaxfr median"] = TimedRounds(median, experiment, layout)
    return work, calls


def count_sent_bytes(experiment: Experiment, layout: Layout) -> dict[str, int]:
    """What each device sends in a round; nothing where there is one."""
    devices = layout.num_devices
    if devices == 1:
        return {}
    setup, state = jax.eval_shape(start, experiment, layout, run_key(SEED))
    one_round = spread(
        train_round,
        devices,
        (WHOLE, *placement((layout, setup, state, WHOLE))),
        (placement(state), WHOLE),
    )
    program = jax.make_jaxpr(one_round)(experiment, layout, setup, state, jnp.int32(0))
    return sent_bytes(program, devices)

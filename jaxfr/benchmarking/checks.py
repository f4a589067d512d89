"""Whether a device computes what the CPU does: marked tests, and runs on both."""

import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.aggregators import krum, mean, median, norm, trimmed_mean
from jaxfr.aggregators.order_statistics import kth_smallest, weighted_median
from jaxfr.attacks import gaussian, none, spattack_l_s, spattack_o_d
from jaxfr.benchmarking.case import Case
from jaxfr.benchmarking.timing import fresh_processes
from jaxfr.experiment import Experiment
from jaxfr.files import temporary_folder
from jaxfr.models import fedgnn, mlp
from jaxfr.records.record import Record
from jaxfr.sweeps.sweep import sweep

TOLERANCE = 1e-3
"""How far a metric on a device may be from the CPU's."""

# A run's compilation is most of it: so many are done at once, on each of the two.
_PROCESSES = 4
_ROUNDS, _EVAL_EVERY, _SEEDS = 20, 5, (0, 1)

# Only files with such tests are read, as others need packages that may be missing.
_TESTS, _MARK = pathlib.Path("tests"), "pytest.mark.device"
# Of pytest's plugins that may be installed, this one ends at once beside xdist.
_PYTEST = ("-m", "pytest", "-p", "no:benchmark", "-m", "device", "--tb=short")


def check_device(case: Case, seconds: float) -> Record:
    """Runs the tests marked ``device`` and, at the same time, the comparison.

    What is not finished after so many seconds is killed, and told of. The record has
    ``tests``, a line that says how many passed, ``tests_passed`` and ``test_output``,
    its end, None each without a folder ``tests``; ``runs``, how many on both
    ``devices``; ``largest_difference`` of their metrics, after any round, and
    ``differing_runs``, those beyond ``TOLERANCE``; ``whole_numbers_equal``, whether
    order statistics of whole numbers are the same bits; ``seconds``.
    """
    began = time.perf_counter()
    with _marked_tests() as tests, temporary_folder() as folder:
        both = _both(case, folder, seconds)
        left = max(1.0, seconds - (time.perf_counter() - began))
        told = _wait(tests, left)
    return {**told, **both, "seconds": time.perf_counter() - began}


def format_checks(checks: Record) -> str:
    """What was found, in lines."""
    if checks["runs"] is None:
        compared = f"comparison with the CPU: {checks['error']}"
    else:
        differing = ", ".join(checks["differing_runs"]) or "none"
        compared = (
            f"{checks['runs']} runs on {' and on '.join(checks['devices'])}: metrics "
            "differ by at most "
            f"{checks['largest_difference']:.2g}; beyond {TOLERANCE:g}: {differing}; "
            "order statistics of whole numbers are "
            f"{'' if checks['whole_numbers_equal'] else 'NOT '}equal"
        )
    return f"tests: {checks['tests']}\n{compared}"


def passed(checks: Record) -> bool:
    """Whether everything agreed."""
    return (
        checks["tests_passed"] is not False
        and checks["whole_numbers_equal"] is True
        and checks["differing_runs"] == []
    )


def compare(ours: Sequence[Record], theirs: Sequence[Record]) -> Record:
    """Holds records of runs, each with a ``curve``, against those of another device."""
    differences = {
        _name(one): max(map(_difference, one["curve"], other["curve"]))
        for one, other in zip(ours, theirs, strict=True)
    }
    return {
        "runs": len(differences),
        "devices": [records[0]["device"] for records in (ours, theirs)],
        "largest_difference": max(differences.values()),
        "differing_runs": [
            name for name, value in differences.items() if not value <= TOLERANCE
        ],
    }


def _difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """The largest of any metric; 1 where only one of both has a number."""
    pairs = [(one[name], other[name]) for name in one]
    if any((a is None) != (b is None) for a, b in pairs):
        return 1.0
    return max(abs(a - b) for a, b in pairs if a is not None)


def _name(record: Record) -> str:
    options = (record[name] for name in ("model", "aggregator", "attack", "seed"))
    return ", ".join(map(str, options))


def compared_experiments() -> list[Experiment]:
    """Every rule under the strongest attack, other attacks, and other models."""
    rules = [rule() for rule in (mean, median, trimmed_mean, krum, norm)]
    attacked = Experiment(attack=spattack_o_d(), malicious_ratio=0.05)
    changes: list[dict[str, Any]] = [{"aggregator": rule} for rule in rules]
    changes += [{"model": model()} for model in (fedgnn, mlp)]
    changes += [{"attack": attack()} for attack in (none, gaussian)]
    changes += [{"attack": spattack_l_s(), "aggregator": median()}]
    return [dataclasses.replace(attacked, **change) for change in changes]


def runs_on(platform: str | None, case: Case, store: str) -> list[Record]:
    """Does the runs of all experiments on a platform, None: the one that JAX takes.

    Several processes may do them together, in one folder ``store``.
    """
    _compute_on(platform)
    experiments = compared_experiments()
    return sweep(experiments, case.load(), _SEEDS, _ROUNDS, _EVAL_EVERY, store)


def whole_numbers_on(platform: str | None) -> list[np.ndarray]:
    """Order statistics of weighted whole numbers, many of them equal."""
    _compute_on(platform)
    random = np.random.default_rng(0)
    values = jnp.asarray(random.integers(-500, 500, (256, 1000)), jnp.float32)
    weights = jnp.asarray(random.integers(0, 4, values.shape), jnp.int32)
    ranks = jnp.asarray(random.integers(1, np.sum(weights, axis=1)), jnp.int32)
    found = (
        jax.vmap(weighted_median)(values, weights),
        jax.vmap(kth_smallest)(values, weights, ranks),
    )
    return [np.asarray(one) for one in found]


def _compute_on(platform: str | None) -> None:
    if platform is not None:
        jax.config.update("jax_platforms", platform)
    # Several processes share the device's memory.
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"


def _both(case: Case, folder: pathlib.Path, seconds: float) -> Record:
    """Compares what this device computes with what the CPU does."""
    jobs = {}
    with contextlib.ExitStack() as stack:
        for platform in (None, "cpu"):
            submit = stack.enter_context(fresh_processes(_PROCESSES))
            of_runs = runs_on, platform, case, str(folder / str(platform))
            jobs[platform] = [submit(*of_runs) for _ in range(_PROCESSES)]
            jobs[platform].append(submit(whole_numbers_on, platform))
        every = [job for of_platform in jobs.values() for job in of_platform]
        if concurrent.futures.wait(every, seconds).not_done:
            return dict.fromkeys(_COMPARED) | {"error": f"not done in {seconds:.0f} s"}
        try:
            ours, theirs = ([job.result() for job in jobs[name]] for name in jobs)
        except Exception as error:  # whatever it is, the cases are still measured
            return dict.fromkeys(_COMPARED) | {"error": f"ended by {error!r}"}
    equal = map(np.array_equal, ours[-1], theirs[-1])
    return {**compare(ours[0], theirs[0]), "whole_numbers_equal": all(equal)}


_COMPARED = (
    "runs",
    "devices",
    "largest_difference",
    "differing_runs",
    "whole_numbers_equal",
)


@contextlib.contextmanager
def _marked_tests() -> Iterator[subprocess.Popen[str] | None]:
    """Starts the tests, if they are here; kills them if they are not done."""
    files = [
        str(path)
        for path in sorted(_TESTS.rglob("test_*.py"))
        if _MARK in path.read_text()
    ]
    if not files:
        yield None
        return
    # Those of the comparison leave some cores.
    processes = max(1, (os.cpu_count() or 1) - 2 * _PROCESSES)
    process = subprocess.Popen(
        [sys.executable, *_PYTEST, "-n", str(processes), *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Compiled as users' programs are, where other tests are compiled in haste.
        env={
            **os.environ,
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "0",
        },
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _wait(tests: subprocess.Popen[str] | None, seconds: float) -> Record:
    if tests is None:
        return {"tests": None, "tests_passed": None, "test_output": None}
    try:
        output, _ = tests.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        tests.kill()
        output, _ = tests.communicate()
    summary = re.findall(r"^=*\s*(\d+ .* in [\d.]+s)", output, re.MULTILINE)
    return {
        "tests": summary[-1] if summary else f"ended with {tests.returncode}",
        "tests_passed": tests.returncode == 0,
        "test_output": output[-4000:],
    }

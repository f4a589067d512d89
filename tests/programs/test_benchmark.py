import json
import os
import pathlib
import statistics
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from jaxfr.benchmarking import measuring
from jaxfr.benchmarking.rounds import Case
from tests.benchmarking.invented import invented_record
from tests.programs.programs import run_python

RUN = ("-m", "jaxfr", "benchmark")

# The program, with another function in place of the one that measures a case.
RUN_PATCHED = """
from jaxfr.programs import benchmark
from jaxfr.programs.program import run_program
from tests.programs import test_benchmark

benchmark.measure_case = test_benchmark.die_if_spread
run_program(benchmark.main)
"""


def benchmark(
    *arguments: str, program: Sequence[str] = RUN
) -> subprocess.CompletedProcess:
    # Compiles faster; what it compiles need not be fast here.
    options = "--xla_backend_optimization_level=0"
    return run_python(*program, *arguments, XLA_FLAGS=options)


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    done = benchmark(
        "--dataset=synthetic",
        "--synthetic=num_users=40,num_items=300,num_pairs=600",
        "--model=fedmf:4",
        "--rounds=3",
        "--repeats=2",
        "--attack=spattack_o_d",
        "--malicious_ratio=0.1",
        "--references=numpy",
        "--num_devices=2",
        f"--output_dir={folder}",
    )
    assert done.returncode == 0, done.stderr
    (folder / "screen.txt").write_text(done.stdout)
    return folder


def records_of(folder: pathlib.Path) -> list[dict[str, Any]]:
    lines = (folder / "benchmark.jsonl").read_text().splitlines()
    return list(map(json.loads, lines))


def test_a_case_is_one_line_with_every_setting(output):
    (record,) = records_of(output)
    settings = {
        "dataset": "synthetic",
        "num_users": 40,
        "num_items": 300,
        "num_train_pairs": 560,
        "aggregator": "mean",
        "attack": "spattack_o_d",
        "malicious_ratio": 0.1,
        "malicious_clients": 4,
        "expected_byzantine": 4,
        "embedding_dim": 4,
        "num_devices": 2,
        "learning_rate": 0.01,
        "rounds": 3,
        "repeats": 2,
        "eval_every": 0,
        "references": ["numpy"],
        "reference_threads": 1,
        "seed": 0,
    }
    assert {name: record[name] for name in settings} == settings
    assert 560 < record["expected_rows"] < 2 * 560
    assert {"jax", "jaxlib", "numpy", "numba", "torch"} <= record["versions"].keys()
    assert record["device"]
    assert record["device_count"] == 2


def test_a_case_holds_all_seconds_memory_and_the_machines_limits(output):
    (record,) = records_of(output)
    assert len(record["raw_seconds"]) == 2
    assert record["seconds_per_round"] == pytest.approx(
        measuring.spread(record["raw_seconds"], 1 / 3)
    )
    for unit, count in (("row", record["expected_rows"]), ("pair", 560)):
        assert record[f"nanoseconds_per_{unit}"]["median"] == pytest.approx(
            1e9 * record["seconds_per_round"]["median"] / count
        )
    assert record["compile_seconds"] > 0
    assert record["peak_memory_bytes"] >= record["data_memory_bytes"] > 1e7
    machine = record["machine"]
    copied, operations = 2 * 2**28, 2 * 1024**3
    assert machine["copy_gigabytes_per_second"] == pytest.approx(
        copied / statistics.median(machine["copy_seconds"]) / 1e9
    )
    assert machine["matrix_gigaflops"] == pytest.approx(
        operations / statistics.median(machine["matrix_seconds"]) / 1e9
    )
    assert len(machine["copy_seconds"]) == len(machine["matrix_seconds"]) == 7
    assert machine["cores"] >= 1


def test_a_case_is_compared_with_its_references(output):
    (record,) = records_of(output)
    (name,) = record["references_measured"]
    assert name == "numpy"
    numpy = record["references_measured"]["numpy"]
    assert numpy["work"] == "clean round"
    assert len(numpy["raw_seconds"]) == 2
    assert numpy["ratio"] == pytest.approx(
        measuring.ratios(record["raw_seconds"], numpy["raw_seconds"])
    )


def test_the_screen_shows_costs_and_ratios(output):
    screen = (output / "screen.txt").read_text()
    for shown in ("ns per pair", "peak memory", "jaxfr / reference", "GB/s", "numpy"):
        assert shown in screen
    heading, row = screen.split("\n\n")[0].splitlines()
    assert row[heading.index("devices")] == "2"


# Called in the process of a case.
def die_if_spread(case: Case) -> dict[str, Any]:
    if case.num_devices > 1:
        os._exit(9)
    return invented_record(900, case.aggregator, case.attack, case.num_devices)


def test_the_others_are_measured_where_a_process_dies_and_the_exit_code_is_1(tmp_path):
    done = benchmark(
        "--attack=none",
        "--num_devices=2,1,3",
        "--references=",
        f"--output_dir={tmp_path}",
        program=("-c", RUN_PATCHED),
    )
    assert done.returncode == 1, done.stderr
    died = [line for line in done.stderr.splitlines() if "died" in line]
    assert [line.split(":")[0] for line in died] == [
        "ml-100k, mean, none, 2 devices",
        "ml-100k, mean, none, 3 devices",
    ]
    (record,) = records_of(tmp_path)
    assert record["num_devices"] == 1
    assert "ns per pair" in done.stdout


def test_an_existing_output_is_kept_unless_it_may_be_overwritten(output):
    refused = benchmark("--num_devices=1", f"--output_dir={output}")
    assert refused.returncode == 2
    assert "--overwrite" in refused.stderr
    assert (output / "benchmark.jsonl").stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--aggregator=nonsense"], "trimmed_mean"),
        (["--malicious_ratio=1"], "below 1"),
        (["--references=numpy,nonsense"], "torch"),
        (["--dataset=nowhere", "--attack=none"], "ml-100k"),
    ],
)
def test_a_mistake_ends_with_one_line_and_exit_code_2(
    arguments: Sequence[str], named: str
):
    done = benchmark("--num_devices=1", *arguments)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert named in done.stderr

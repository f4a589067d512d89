"""The program times cases as its flags say, each in a process of its own."""

import json
import pathlib
import statistics
from typing import Any

import pytest

from jaxfr.benchmarking import timing
from tests.benchmarking.invented import measure_or_die
from tests.programs.programs import TINY, assert_refused, instead, jaxfr, run


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> pathlib.Path:
    """What the program writes of one tiny case on two devices."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    done = run(
        *("benchmark", *instead(TINY, "--eval_every=0"), "--repeats=2"),
        *("--attack=spattack_o_d", "--aggregator=median", "--references=numpy"),
        *("--num_devices=2", "--whole_rounds=3", f"--output_dir={folder}"),
    )
    assert done.returncode == 0, done.stderr
    (folder / "screen.txt").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def record(output) -> dict[str, Any]:
    (line,) = (output / "benchmark.jsonl").read_text().splitlines()
    return json.loads(line)


def test_a_case_is_one_line_with_every_setting(record):
    settings = {
        "dataset": "synthetic:num_users=40:num_items=300:num_pairs=600",
        "num_users": 40,
        "num_items": 300,
        "num_train_pairs": 560,
        "aggregator": "median",
        "attack": "spattack_o_d",
        "malicious_ratio": 0.1,
        "malicious_clients": 4,
        "expected_byzantine": 4,
        "embedding_dim": 4,
        "num_devices": 2,
        "learning_rate": 0.01,
        "rounds": 6,
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
    assert record["sent_bytes"]["messages"] > 0


def test_a_case_holds_all_seconds_memory_and_the_machines_limits(record):
    assert len(record["raw_seconds"]) == 2
    assert record["seconds_per_round"] == pytest.approx(
        timing.spread(record["raw_seconds"], 1 / 6)
    )
    for unit, count in (("row", record["expected_rows"]), ("pair", 560)):
        assert record[f"nanoseconds_per_{unit}"]["median"] == pytest.approx(
            1e9 * record["seconds_per_round"]["median"] / count
        )
    assert record["compile_seconds"] > 0
    assert record["whole_run"]["rounds"] == 3
    assert record["whole_run"]["runs_per_second"] > 0
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


def test_a_case_is_compared_with_its_references(record):
    (measured,) = record["references_measured"].values()
    assert measured["work"] == "selection only"
    assert measured["ratio"] == pytest.approx(
        timing.ratios(record["raw_seconds"], measured["raw_seconds"])
    )


def test_the_screen_shows_costs_and_ratios(output):
    screen = (output / "screen.txt").read_text()
    for shown in ("ns per pair", "peak memory", "jaxfr / reference", "GB/s", "numpy"):
        assert shown in screen
    heading, row = screen.split("\n\n")[0].splitlines()
    assert row[heading.index("devices")] == "2"


def with_deaths() -> None:
    """The program, with another function in place of the one that measures a case."""
    from jaxfr.programs import benchmark

    benchmark.measure_case = measure_or_die
    jaxfr()


def test_what_dies_or_takes_too_long_is_left_out_and_the_exit_code_is_1(tmp_path):
    done = run(
        *("benchmark", "--attack=none", "--references=", "--num_devices=2,1"),
        *("--runs=1,10000000", "--most_seconds=5", f"--output_dir={tmp_path}"),
        program=with_deaths,
    )
    assert done.returncode == 1, done.stderr
    measuring, *told = [line.partition(": ") for line in done.stderr.splitlines()]
    assert measuring[2] == "measuring"
    assert [line for line in told if line[2] != "measuring"] == [
        ("ml-100k, mean, none, 2 devices", ": ", "died, for lack of memory or time?"),
        (
            *("ml-100k, mean, none, 1 device, 10000000 runs", ": "),
            "left out, as a call would take some 9000 s",
        ),
        (
            *("ml-100k, mean, none, 2 devices, 10000000 runs", ": "),
            "died, for lack of memory or time?",
        ),
    ]
    (line,) = (tmp_path / "benchmark.jsonl").read_text().splitlines()
    assert json.loads(line)["num_devices"] == 1
    assert "ns per pair" in done.stdout
    refused = run("benchmark", "--references=", f"--output_dir={tmp_path}")
    assert_refused(refused, "--overwrite")


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("--aggregator=nonsense", "trimmed_mean"),
        ("--malicious_ratio=1", "below 1"),
        ("--references=numpy,nonsense", "torch"),
        ("--dataset=nowhere", "ml-100k"),
        ("--runs=2,2", "distinct"),
        ("--preset=gpu --model=nonsense", "fedmf"),
    ],
)
def test_a_mistake_ends_with_one_line_and_exit_code_2(argument: str, named: str):
    assert_refused(run("benchmark", "--num_devices=1", *argument.split()), named)

"""What a large run needs, told from records of the benchmark."""

import json

from tests.benchmarking.test_on_paper import MEASURED
from tests.programs.programs import Ended, run

DESCRIBED = {
    **MEASURED,
    "aggregator": "median",
    "attack": "none",
    "device": "cpu",
}


def scale(*arguments: str) -> Ended:
    return run("scale", *arguments)


def test_the_largest_record_on_several_devices_is_taken(tmp_path):
    records = [
        DESCRIBED,
        {**DESCRIBED, "num_train_pairs": 1e5},
        {**DESCRIBED, "num_train_pairs": 1e7, "num_devices": 1},
    ]
    path = tmp_path / "benchmark.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    ended = scale(
        *(f"--benchmark={path}", "--num_pairs=1e8", "--num_users=2e6"),
        *("--num_items=1e5", "--num_devices=4,8"),
    )
    assert ended.returncode == 0, ended.stderr
    title, header, four, eight = ended.stdout.strip().splitlines()
    assert "from 1e+06 pairs on 2 devices" in title
    assert header.split()[:2] == ["devices", "memory"]
    assert four.split()[:5] == ["4", "25", "GB", "25", "s"]
    assert eight.split()[:5] == ["8", "12.5", "GB", "12.5", "s"]


def test_lines_that_are_no_records_are_told_of_and_left_out(tmp_path):
    path = tmp_path / "benchmark.jsonl"
    wrong = [
        {**DESCRIBED, "num_train_pairs": 10**400},
        {**DESCRIBED, "num_users": 0},
        {**DESCRIBED, "sent_bytes": None},
        {**DESCRIBED, "device": 7},
        [DESCRIBED],
    ]
    lines = [json.dumps(record) for record in (*wrong, DESCRIBED)]
    path.write_text(
        "\n".join([*lines, "{", "[" * 10**5, "", "\ud800"]), "utf-8", "replace"
    )
    ended = scale(f"--benchmark={path}")
    assert ended.returncode == 0, ended.stderr
    assert "from 1e+06 pairs on 2 devices" in ended.stdout
    told = ended.stderr.splitlines()
    numbers = (*range(1, 6), 7, 8, 10)
    assert told == [
        f"{path}: line {number} is no record of a benchmark, left out"
        for number in numbers
    ]


def test_files_and_numbers_that_say_nothing_are_refused(tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text("{}\n")
    for arguments, message in (
        ((), "benchmark: name the records"),
        ((f"--benchmark={path}",), "holds no records of a benchmark"),
        ((f"--benchmark={tmp_path / 'none'}",), "cannot read"),
        ((f"--benchmark={path}", "--num_devices=1"), "num_devices='1'"),
    ):
        ended = scale(*arguments)
        assert ended.returncode == 2
        assert message in ended.stderr.splitlines()[-1]

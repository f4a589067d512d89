"""A training program that is killed again and again, and its outcome.

python -m tests.programs.killing 20

kills it 20 times, and says whether it ends in the same bits as one left alone.
"""

import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import numpy as np

from tests.programs.programs import TINY, start_python, wait
from tests.programs.sweeping import outcome

# Calls of some hundred rounds, so that a second sees several checkpoints.
PROGRAM = """
import sys
from jaxfr.programs import train
from jaxfr.training import compiled
compiled.PAIRS_PER_CALL = int(sys.argv.pop(1))
from jaxfr.programs.program import run_program
run_program(train.main)
"""
PAIRS_PER_CALL = 200_000
SETTINGS = (
    *TINY,
    *("--attack=gaussian", "--nocompare_clean", "--negatives=resample"),
    *("--client_optimizer=adam", "--server_optimizer=adam"),
    "--num_devices=2",
)
# Of the run left alone, about a millisecond each.
ROUNDS_PER_KILL = 4000


class Outcome(NamedTuple):
    """What a program left.

    Attributes:
        parameters: arrays of ``--save_params``.
        record: settings, metrics and curve.
    """

    parameters: dict[str, np.ndarray]
    record: dict


class Lives(NamedTuple):
    """What became of a program that was killed.

    Attributes:
        resumed_at: the rounds that lives went on from.
        damaged: checkpoints that a kill left unfinished.
        outcome: of the last life.
    """

    resumed_at: list[int]
    damaged: int
    outcome: Outcome


def command(folder: pathlib.Path, rounds: int, cache: pathlib.Path) -> list[str]:
    """The program's arguments; all that it writes goes into the folder."""
    return [
        *("-c", PROGRAM, str(PAIRS_PER_CALL), *SETTINGS),
        *(f"--rounds={rounds}", f"--eval_every={max(1, rounds // 20)}"),
        *(f"--output_dir={folder}", "--overwrite"),
        f"--save_params={folder / 'end.npz'}",
        f"--compilation_cache_dir={cache}",
    ]


def begin(
    folder: pathlib.Path, rounds: int, cache: pathlib.Path
) -> subprocess.Popen[str]:
    """Starts the program with a checkpoint after each call."""
    return start_python(
        *command(folder, rounds, cache),
        *(f"--checkpoint_dir={folder / 'checkpoints'}", "--checkpoint_minutes=0"),
        PYTHONWARNINGS="error",
    )


def read_outcome(folder: pathlib.Path) -> Outcome:
    """Reads what a program wrote that ended."""
    with np.load(folder / "end.npz") as file:
        parameters = dict(file)
    (line,) = (folder / "results.jsonl").read_text().splitlines()
    return Outcome(parameters, outcome(json.loads(line)))


def left_alone(
    folder: pathlib.Path, rounds: int, cache: pathlib.Path
) -> tuple[Outcome, float]:
    """Runs the program without checkpoints; its outcome, and its rounds' seconds."""
    done = wait(start_python(*command(folder, rounds, cache), PYTHONWARNINGS="error"))
    assert done.returncode == 0, done.stderr
    record = json.loads((folder / "results.jsonl").read_text())
    return read_outcome(folder), record["seconds"]["train"]


def killed(
    folder: pathlib.Path,
    rounds: int,
    cache: pathlib.Path,
    kills: int,
    seconds: float,
    source: random.Random,
) -> Lives:
    """Kills the program so often at random moments, and then lets it end.

    Args:
        folder: for all that it writes.
        rounds: of its run.
        cache: of compiled programs.
        kills: how often.
        seconds: at most so many after the first sign of life, in most lives; the
            others are killed while they start.
        source: of the moments.
    """
    resumed_at, damaged = [], 0
    for _ in range(kills):
        process = begin(folder, rounds, cache)
        if source.random() < 0.8:
            _wait_for_checkpoint(process, folder / "checkpoints")
            time.sleep(source.uniform(0.0, seconds))
        else:
            time.sleep(source.uniform(0.0, 3.0))
        assert process.poll() is None, "ended before its last kill"
        process.kill()
        errors = wait(process).stderr
        damaged += errors.count("counts for nothing")
        resumed_at += _resumed_at(errors)
    done = wait(begin(folder, rounds, cache))
    assert done.returncode == 0, done.stderr
    damaged += done.stderr.count("counts for nothing")
    resumed_at += _resumed_at(done.stderr)
    assert not list((folder / "checkpoints").iterdir())
    return Lives(resumed_at, damaged, read_outcome(folder))


def _resumed_at(errors: str) -> list[int]:
    return [int(found) for found in re.findall(r"(\d+) rounds are finished", errors)]


def assert_same(found: Outcome, expected: Outcome) -> None:
    """Holds one outcome against another, bit by bit."""
    assert found.record == expected.record
    assert found.parameters.keys() == expected.parameters.keys()
    for name, array in expected.parameters.items():
        assert found.parameters[name].dtype == array.dtype
        assert found.parameters[name].tobytes() == array.tobytes(), name


def _wait_for_checkpoint(
    process: subprocess.Popen[str], directory: pathlib.Path
) -> None:
    """Waits until a program saves something that was not there, or ends."""
    before = set(directory.glob("*/*"))
    while process.poll() is None and not set(directory.glob("*/*")) - before:
        time.sleep(0.01)


def kill_and_compare(folder: pathlib.Path, kills: int) -> str:
    """Kills a program so often, and says what became of it.

    Args:
        folder: for all that programs write.
        kills: how often.

    Raises:
        AssertionError: if it does not end as one that was left alone.
    """
    rounds, cache, source = ROUNDS_PER_KILL * kills, folder / "cache", random.Random(0)
    expected, seconds = left_alone(folder / "alone", rounds, cache)
    # So that the run outlives its last kill.
    each = min(2.0, 0.6 * seconds / kills)
    lives = killed(folder / "killed", rounds, cache, kills, each, source)
    assert_same(lives.outcome, expected)
    assert lives.resumed_at
    return (
        f"{rounds} rounds, {seconds:.1f} s of them when left alone; killed {kills} "
        f"times, went on after rounds {lives.resumed_at}, {lives.damaged} checkpoints "
        "unfinished; the same bits"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as _folder:
        print(kill_and_compare(pathlib.Path(_folder), int(sys.argv[1])))

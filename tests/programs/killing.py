"""A training program that is killed again and again, and its outcome.

python -m tests.programs.killing 20

kills it 20 times, and says whether it ends in the same bits as one left alone.
"""

import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import numpy as np

from tests.programs.programs import TINY, lines, outcome, start_python, wait

# Calls of some hundred rounds, so that a second sees several checkpoints.
PROGRAM = """
import sys
from jaxfr.programs import train
from jaxfr.training import compiled
compiled.PAIRS_PER_CALL = 200_000
from jaxfr.programs.program import run_program
run_program(train.main)
"""
SETTINGS = (
    *TINY,
    *("--attack=gaussian", "--nocompare_clean", "--negatives=resample"),
    *("--client_optimizer=adam", "--server_optimizer=adam"),
    "--num_devices=2",
)
# Of the run left alone, about a millisecond each.
ROUNDS_PER_KILL = 4000


class Outcome(NamedTuple):
    """What a program left: its parameters, and settings, metrics and curve."""

    parameters: dict[str, np.ndarray]
    record: dict


def start(folder: pathlib.Path, rounds: int, *arguments: str) -> subprocess.Popen[str]:
    """Starts the program; all that it writes goes into the folder."""
    return start_python(
        *("-c", PROGRAM, *SETTINGS, *arguments),
        *(f"--rounds={rounds}", f"--eval_every={max(1, rounds // 20)}"),
        *(f"--output_dir={folder}", "--overwrite"),
        f"--save_params={folder / 'end.npz'}",
        PYTHONWARNINGS="error",
    )


def end(process: subprocess.Popen[str], folder: pathlib.Path) -> tuple[Outcome, str]:
    """Waits for the program's end; what it left, and what it told."""
    done = wait(process)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "end.npz") as file:
        parameters = dict(file)
    (record,) = lines(folder / "store")
    return Outcome(parameters, record), done.stderr


def assert_same(found: Outcome, expected: Outcome) -> None:
    """Holds one outcome against another, bit by bit."""
    assert outcome(found.record) == outcome(expected.record)
    assert found.parameters.keys() == expected.parameters.keys()
    for name, array in expected.parameters.items():
        assert found.parameters[name].dtype == array.dtype
        assert found.parameters[name].tobytes() == array.tobytes(), name


def wait_for_checkpoint(
    process: subprocess.Popen[str], directory: pathlib.Path
) -> None:
    """Waits until a program saves something that was not there, or ends."""
    before = set(directory.glob("*/*"))
    while process.poll() is None and not set(directory.glob("*/*")) - before:
        time.sleep(0.01)


def kill_and_compare(folder: pathlib.Path, kills: int) -> str:
    """Kills a program so often, and says what became of it.

    Most lives are killed at a random moment after their first sign, some while they
    start; a checkpoint is saved after each call.

    Raises:
        AssertionError: if it does not end as one that was left alone.
    """
    rounds, source = ROUNDS_PER_KILL * kills, random.Random(0)
    alone, killed = folder / "alone", folder / "killed"
    expected, _ = end(start(alone, rounds), alone)
    seconds = expected.record["seconds"]["train"]
    checkpoints = killed / "checkpoints"
    saving = (f"--checkpoint_dir={checkpoints}", "--checkpoint_minutes=0")
    told = []
    for _ in range(kills):
        process = start(killed, rounds, *saving)
        if source.random() < 0.8:
            wait_for_checkpoint(process, checkpoints)
            # So that the run outlives its last kill.
            time.sleep(source.uniform(0.0, min(2.0, 0.6 * seconds / kills)))
        else:
            time.sleep(source.uniform(0.0, 3.0))
        assert process.poll() is None, "ended before its last kill"
        process.kill()
        told.append(wait(process).stderr)
    found, last = end(start(killed, rounds, *saving), killed)
    assert_same(found, expected)
    assert not list(checkpoints.iterdir())
    text = "\n".join([*told, last])
    resumed = re.findall(r"(\d+) rounds are finished", text)
    assert resumed
    return (
        f"{rounds} rounds, {seconds:.1f} s of them when left alone; killed {kills} "
        f"times, went on after rounds {', '.join(resumed)}, "
        f"{text.count('counts for nothing')} checkpoints unfinished; the same bits"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as _folder:
        print(kill_and_compare(pathlib.Path(_folder), int(sys.argv[1])))

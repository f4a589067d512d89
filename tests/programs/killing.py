"""A training program that is killed again and again, and its outcome.

python -m tests.programs.killing 20

kills it 20 times, and says whether it ends in the same bits as one left alone.
"""

import os
import pathlib
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jaxfr.training import compiled
from tests.programs.programs import (
    TINY,
    Ended,
    Started,
    instead,
    jaxfr,
    lines,
    outcome,
    start,
)

SETTINGS = (
    *("train", *TINY, "--attack=gaussian", "--nocompare_clean"),
    *("--negatives=resample", "--client_optimizer=adam", "--server_optimizer=adam"),
    "--num_devices=2",
)
# Of the run left alone, about a millisecond each.
ROUNDS_PER_KILL = 4000


def mortal() -> None:
    """``jaxfr``, dead at that write to a disk whose number is in ``DIES_AT``.

    A call is of as many pairs as ``PAIRS_PER_CALL`` says, where it says something.
    """
    compiled.PAIRS_PER_CALL = int(
        os.environ.get("PAIRS_PER_CALL", compiled.PAIRS_PER_CALL)
    )
    left = [int(os.environ.get("DIES_AT", "0"))]

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def write(*arguments: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments)

        return write

    os.fsync, os.replace = dying(os.fsync), dying(os.replace)
    jaxfr()


class Outcome(NamedTuple):
    """What a program left: its parameters, and settings, metrics and curve."""

    parameters: dict[str, np.ndarray]
    record: dict


def start_training(
    folder: pathlib.Path, rounds: int, *arguments: str, pairs: int, dies_at: int = 0
) -> Started:
    """Starts the program; all that it writes goes into the folder."""
    given = instead(
        (*SETTINGS, *arguments, f"--output_dir={folder}", "--overwrite"),
        *(f"--rounds={rounds}", f"--eval_every={max(1, rounds // 20)}"),
    )
    return start(
        *given,
        f"--save_params={folder / 'end.npz'}",
        program=mortal,
        PAIRS_PER_CALL=str(pairs),
        TMPDIR=str(folder.parent),  # for what the killed leave there
        DIES_AT=str(dies_at),
    )


def outcome_of(ended: Ended, folder: pathlib.Path) -> Outcome:
    """What a program left that came to its end."""
    assert ended.returncode == 0, ended.stderr
    with np.load(folder / "end.npz") as file:
        parameters = dict(file)
    (record,) = lines(folder / "store")
    return Outcome(parameters, record)


def assert_same(found: Outcome, expected: Outcome) -> None:
    """Holds one outcome against another, bit by bit."""
    assert outcome(found.record) == outcome(expected.record)
    assert found.parameters.keys() == expected.parameters.keys()
    for name, array in expected.parameters.items():
        assert found.parameters[name].dtype == array.dtype
        assert found.parameters[name].tobytes() == array.tobytes(), name


def kill_and_compare(folder: pathlib.Path, kills: int) -> str:
    """Kills a program so often, and says what became of it.

    Most lives are killed at a random moment after their first sign, some while they
    start; a checkpoint is saved after each call.

    Raises:
        AssertionError: if it does not end as one that was left alone.
    """
    rounds, source = ROUNDS_PER_KILL * kills, random.Random(0)
    alone, killed = folder / "alone", folder / "killed"
    # Calls of some hundred rounds, so that a second sees several checkpoints.
    pairs = 200_000
    expected = outcome_of(start_training(alone, rounds, pairs=pairs).wait(), alone)
    seconds = expected.record["seconds"]["train"]
    checkpoints = killed / "checkpoints"
    saving = (f"--checkpoint_dir={checkpoints}", "--checkpoint_minutes=0")
    told = []
    for _ in range(kills):
        before = set(checkpoints.glob("*/*"))
        process = start_training(killed, rounds, *saving, pairs=pairs)
        if source.random() < 0.8:
            while process.lives() and not set(checkpoints.glob("*/*")) - before:
                time.sleep(0.01)
            # So that the run outlives its last kill.
            time.sleep(source.uniform(0.0, min(2.0, 0.6 * seconds / kills)))
        else:
            time.sleep(source.uniform(0.0, 3.0))
        assert process.lives(), "ended before its last kill"
        process.kill()
        told.append(process.wait().stderr)
    ended = start_training(killed, rounds, *saving, pairs=pairs).wait()
    assert_same(outcome_of(ended, killed), expected)
    assert not list(checkpoints.iterdir())
    text = "\n".join([*told, ended.stderr])
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

"""The kinds of input, and who makes attempts with each."""

import functools
import importlib
from collections.abc import Mapping
from typing import NamedTuple

from tests.fuzzing.judging import Attempt

# Seconds that an attempt may take on a machine that others use as well.
SECONDS, SECONDS_OF_TRAINING = 20.0, 180.0
# A process makes attempts of one kind for so long, then it is the next one's turn.
TURN, TURN_OF_TRAINING = 45.0, 240.0


class Kind(NamedTuple):
    """A kind of input.

    Attributes:
        module: where its attempts are made.
        program: of the kinds that are flags of a program, which one.
        seconds: how long an attempt may take.
        turn: seconds until it is the next kind's turn.
    """

    module: str
    program: str = ""
    seconds: float = SECONDS
    turn: float = TURN


KINDS: Mapping[str, Kind] = {
    "text_tables": Kind("text_tables"),
    "parquet_tables": Kind("parquet_tables"),
    "text_pairs": Kind("text_pairs"),
    "sweep_files": Kind("sweep_files"),
    "seed_lists": Kind("seed_lists"),
    "fields": Kind("fields"),
    "suites": Kind("suites"),
    "start_values": Kind("start_values"),
    "checkpoints": Kind("checkpoints"),
    "stores": Kind("stores"),
    **{
        f"{program}_flags": Kind("flag_values", program)
        for program in ("train", "sweep", "results", "dataset", "benchmark")
    },
    "training": Kind("training", seconds=SECONDS_OF_TRAINING, turn=TURN_OF_TRAINING),
}


@functools.cache
def load_attempt(name: str) -> Attempt:
    """What makes attempts of a kind, with all that is done once already done."""
    kind = KINDS[name]
    module = importlib.import_module(f"tests.fuzzing.{kind.module}")
    if kind.program:
        return module.attempt_with(kind.program)
    getattr(module, "prepare", lambda: None)()
    return module.attempt

"""Lists of seeds: of known content as flags and files write them, and of anything."""

import itertools
import pathlib
import random

from jaxfr.errors import InvalidInputError
from jaxfr.ranges import SEED
from jaxfr.sweeps.grid import parse_seeds, written_seeds
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.texts import odd_text


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """Ranges and numbers that do not meet, or odd texts among them."""
    starts = sorted(source.sample(range(0, 900, 9), source.randint(1, 4)))
    runs = [range(one, one + source.randint(1, 9)) for one in starts]
    source.shuffle(runs)
    pieces = [_written(run, source) for run in runs]
    if source.random() < 0.5:
        try:
            found = parse_seeds(written_seeds(_as_in_a_file(pieces, source)))
        except InvalidInputError as error:
            raise WrongOutcomeError(f"refused {pieces}: {error}") from None
        if found != tuple(itertools.chain(*runs)):
            raise WrongOutcomeError(f"{pieces} are read as {found}")
        return
    pieces.insert(source.randint(0, len(pieces)), odd_text(source))
    found = parse_seeds(source.choice((",", ":", ", ")).join(pieces))
    if len(set(found)) < len(found) or not all(map(SEED.holds, found)):
        raise WrongOutcomeError(f"{pieces} are read as {found}")


def _written(run: range, source: random.Random) -> str:
    if len(run) == 1:
        return source.choice((str(run.start), f"{run.start}:{run.stop}"))
    return source.choice((f"{run.start}:{run.stop}", f" {run.start}:{run.stop} "))


def _as_in_a_file(pieces: list[str], source: random.Random) -> object:
    if len(pieces) == 1 and pieces[0].isdecimal():
        return source.choice((int(pieces[0]), pieces[0], pieces))
    return source.choice((",".join(pieces), pieces))

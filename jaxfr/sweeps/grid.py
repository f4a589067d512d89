"""From lists of values to every run."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from jaxfr.errors import InvalidInputError
from jaxfr.ranges import SEED
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest

# The values that each option of a run, or the seed, is to take.
Axes = Mapping[str, Sequence[Any]]

SEEDS_HELP = (
    "Seeds, with commas between them: 0,1,2 are three, 5 is one (seed 5), and 0:5 are "
    "five, from 0 to 4."
)
"""What a list of seeds says, for every flag of one."""

# More than any store is made for; a list of so many takes a gigabyte.
MOST_RUNS = 10**6


def cross(axes: Axes, alternatives: Sequence[Axes] = ()) -> list[RunRequest]:
    """Crosses axes, for each of several alternatives; no run comes twice.

    An axis has the values of an option of ``RUN_OPTIONS`` or of ``seed``; what has none
    has its default. Options vary the faster the later they stand there, the seed
    fastest. Each alternative replaces some of the axes by others. More than
    ``MOST_RUNS`` are refused.
    """
    chosen = [{**axes, **replaced} for replaced in alternatives or [{}]]
    runs = sum(math.prod(map(len, values.values())) for values in chosen)
    if runs > MOST_RUNS:
        raise InvalidInputError(f"{runs} runs: a sweep has at most {MOST_RUNS}")
    found = []
    for values_of in chosen:
        names = [name for name in RUN_OPTIONS if name in values_of]
        seeds = values_of.get("seed", (0,))
        for values in itertools.product(*(values_of[name] for name in names)):
            one = RunRequest().replace(**dict(zip(names, values, strict=True)))
            found += [dataclasses.replace(one, seed=seed) for seed in seeds]
    return list(dict.fromkeys(found))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads ``0,1,2`` or ``0:10`` (the end excluded), or a mixture with commas.

    >>> parse_seeds("5"), parse_seeds("0:5"), parse_seeds("7,0:2")
    ((5,), (0, 1, 2, 3, 4), (7, 0, 1))

    Refuses an empty text, a seed that is named twice, a number that is none, and more
    than ``MOST_RUNS``.
    """
    ranges: list[range] = []
    try:
        for part in text.split(","):
            first, colon, end = part.partition(":")
            ranges.append(range(int(first), int(end) if colon else int(first) + 1))
    except ValueError:
        ranges = []
    # Counted by hand, as len() of a range ends at 2**63.
    number = sum(max(seeds.stop - seeds.start, 0) for seeds in ranges)
    if number > MOST_RUNS:
        raise InvalidInputError(
            f"seeds={text!r}: are {number}, and a sweep has at most {MOST_RUNS} runs"
        )
    seeds = tuple(itertools.chain(*ranges))
    if (
        not seeds
        or len(set(seeds)) != len(seeds)
        or not (SEED.holds(min(seeds)) and SEED.holds(max(seeds)))
    ):
        raise InvalidInputError(
            f"seeds={text!r}: must be distinct whole numbers from {SEED.low} to "
            f"{SEED.high}, as in 0,1,2 or 0:10"
        )
    return seeds


def written_seeds(value: object) -> str:
    """Seeds of a file, a number, a text or a list of them, as a flag has them."""
    return ",".join(map(str, value if isinstance(value, list) else [value]))

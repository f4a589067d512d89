"""From lists of values to the settings of every run."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.settings import SETTING_NAMES, Settings

# The values that each setting is to take.
Axes = Mapping[str, Sequence[Any]]


def cross(axes: Axes, alternatives: Sequence[Axes] = ()) -> list[Settings]:
    """Crosses axes, for each of several alternatives; no settings come twice.

    Args:
        axes: values by setting; a setting without any has its default. The settings
            vary the faster the later they stand in ``Settings``, the seed fastest.
        alternatives: each replaces some of the axes by others; none is the same as
            one that replaces nothing.
    """
    found = []
    for replaced in alternatives or [{}]:
        chosen = {**axes, **replaced}
        names = [name for name in SETTING_NAMES if name in chosen]
        for values in itertools.product(*(chosen[name] for name in names)):
            found.append(Settings(**dict(zip(names, values, strict=True))))
    return list(dict.fromkeys(found))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads ``0,1,2`` or ``0:10`` (the end excluded), or a mixture with commas.

    Raises:
        InvalidInputError: if the text is of another form, empty, or names a seed twice.
    """
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, colon, end = part.partition(":")
            seeds += range(int(first), int(end)) if colon else [int(first)]
    except ValueError:
        seeds = []
    if not seeds or len(set(seeds)) != len(seeds) or not 0 <= min(seeds) < 2**63:
        raise InvalidInputError(
            f"seeds={text!r}: must be distinct whole numbers, as in 0,1,2 or 0:10"
        )
    return tuple(seeds)

"""One palette: a rule, and an attack of the paper, looks the same in every picture."""

from collections.abc import Iterable
from typing import NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.records.names import ATTACK_TITLES, RULE_TITLES

PALETTE = (
    *("#3f90da", "#bd1f01", "#ffa90e", "#832db6", "#717581"),
    *("#e76300", "#92dadd", "#a96b59", "#b9ac70", "#94a4a2"),
)
"""Colours that all eyes tell apart: those of Petroff, "Accessible Color Sequences for
Data Visualization", 2021, in another order. tests/records/test_palette.py looks at them
as eyes without red or green cones do."""

NEUTRAL = "#1a1a1a"
"""Of the clean run, and of lines that are no run."""

LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")


class Look(NamedTuple):
    """How a line is drawn, and how it stays told apart in print without colours."""

    color: str
    marker: str
    linestyle: str


def looks(names: Iterable[str]) -> dict[str, Look]:
    """The looks of the attacks, or of the defenses, of one picture.

    What :mod:`jaxfr.records.names` lists has the colour of its place there. Anything
    else, and the later in the list of two that would share one, gets what is left over;
    where none is, a colour comes again with another marker. Line styles go by the
    order in the picture, since attacks that all freeze the items give one curve, and
    none must hide another.

    >>> looks(["median"])["median"].color == looks(["mean", "median"])["median"].color
    True
    """
    distinct = list(dict.fromkeys(names))
    colours: dict[str, tuple[str, str]] = {}
    places = list(range(len(PALETTE)))
    left, lap = list(places), 0
    for name in sorted(distinct, key=lambda name: _PLACES.get(name, len(_PLACES))):
        if name == CLEAN:
            colours[name] = (NEUTRAL, MARKERS[0])
            continue
        if not left:
            left, lap = list(places), lap + 1
        place = _PLACES.get(name, 0) % len(PALETTE)
        place = place if place in left else left[0]
        left.remove(place)
        colours[name] = PALETTE[place], MARKERS[(place + lap) % len(MARKERS)]
    return {
        name: Look(*colours[name], LINE_STYLES[number % len(LINE_STYLES)])
        for number, name in enumerate(distinct)
    }


_PLACES = {
    name: place
    for titles in (ATTACK_TITLES, RULE_TITLES)
    for place, name in enumerate(titles)
}

"""What Spattack's paper compares, under one word."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxfr.errors import InvalidInputError, nearest
from jaxfr.parts import Part
from jaxfr.sweeps.request import RunRequest
from jaxfr.texts import read_field

PAPER = "paper"
"""Stands for all of them in a list of defenses or of attacks."""

IN_PAPER: Mapping[str, Sequence[str]] = {
    "aggregator": ("mean", "median", "trimmed_mean", "krum", "norm"),
    "attack": (
        *("label_flip", "fed_attack", "gaussian", "lie", "cluster", "fang"),
        *("spattack_l_s", "spattack_l_d", "spattack_o_s", "spattack_o_d"),
    ),
}
"""Its defenses, and its attacks in the order of its Table 3."""


def read_parts(
    option: str,
    texts: Sequence[str],
    model: Part[Any] | str,
    say: Callable[[str], Any] = lambda line: None,
) -> list[Part[Any]]:
    """Reads defenses or attacks, each once, with those of the paper for its word.

    >>> found = read_parts("attack", ["none", "paper", "lie:2"], "fedmf")
    >>> [str(one) for one in found[-2:]]
    ['spattack_o_d', 'lie:lie_z=2.0']

    Args:
        option: ``aggregator`` or ``attack``.
        texts: as ``--aggregator`` and ``--attack`` take them, or ``paper``.
        model: what of the paper it cannot have is left out.
        say: is told what is left out and why.

    Raises:
        InvalidInputError: if a text names no part, or one that the model cannot have.
    """
    found = []
    for text in texts:
        for name in IN_PAPER[option] if text.strip() == PAPER else [text]:
            try:
                part = read_field(option, name)
            except InvalidInputError:
                near = nearest(text, [PAPER])
                if near:
                    told = f"{option}={text!r}: there is none{near}"
                    raise InvalidInputError(told) from None
                raise
            try:
                RunRequest().replace(model=model, **{option: part})
            except InvalidInputError as error:
                if text == name:
                    raise
                say(f"left out: {error}")
            else:
                found.append(part)
    return list(dict.fromkeys(found))

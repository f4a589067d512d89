"""Tables of attacks and defenses in Markdown, all of it from the parts themselves."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from jaxfr.aggregators import AGGREGATORS, STAGES, Stage
from jaxfr.attacks import ATTACKS, CLEAN, Attack, LimitedAttack, WhiteBoxAttack
from jaxfr.errors import InvalidInputError
from jaxfr.parts import Factory
from jaxfr.records.markdown import escape, marked_table

_AUTHORS = re.compile(r"[^\W\d_]\w+(?:, [^\W\d_]\w+)*(?: and [^\W\d_]\w+| et al\.)")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def overview(name: str) -> str:
    """A table of a catalogue, each row with its file, from docstrings and types.

    >>> print(overview("stages").splitlines()[0])
    | stage | looks at | what it does | source |

    Raises:
        InvalidInputError: if there is no such table.
    """
    if name not in _TABLES:
        raise InvalidInputError(
            f"format=markdown: is for the lists {', '.join(_TABLES)}, not {name!r}"
        )
    catalogue, columns = _TABLES[name]
    header = [name.removesuffix("s"), *columns, "what it does", "source"]
    rows = [
        [
            f"[`{one}`]({factory.__module__.replace('.', '/')}.py)",
            *(tell(factory) for tell in columns.values()),
            escape(factory.summary),
            _source(factory),
        ]
        for one, factory in catalogue.items()
        if one != CLEAN
    ]
    return marked_table(header, *rows)


def _source(factory: Factory[..., Any]) -> str:
    """Authors and year; jaxfr where it is this project."""
    doc = inspect.getdoc(factory) or ""
    section = re.search(r"^Source: ((?:.|\n)*?)(?:\n\n|\Z)", doc, re.M)
    if section is None:
        return ""
    text = " ".join(section[1].split())
    if text.startswith("this project"):
        return "jaxfr"
    authors, year = _AUTHORS.search(text), _YEAR.search(text)
    assert authors is not None, text
    assert year is not None, text
    return f"{authors[0]}, {year[0]}"


def _goal(factory: Factory[..., Attack]) -> str:
    targeted = ".targeted." in factory.__module__
    return "promote `--targets`" if targeted else "worse lists"


def _knows(factory: Factory[..., Attack]) -> str:
    attack = factory().make()
    if isinstance(attack, LimitedAttack):
        return "the item table"
    also = ", the defense" if isinstance(attack, WhiteBoxAttack) else ""
    return f"benign rows{also}"


def _looks_at(factory: Factory[..., Stage]) -> str:
    stage = factory().make()
    if stage.sees_clients:
        return "all rows of each client"
    return "an item's rows" if stage.on_items is not Stage().on_items else "one row"


_TABLES: Mapping[
    str, tuple[Mapping[str, Factory[..., Any]], Mapping[str, Callable[[Any], str]]]
] = {
    "attacks": (ATTACKS, {"goal": _goal, "knows": _knows}),
    "aggregators": (AGGREGATORS, {}),
    "stages": (STAGES, {"looks at": _looks_at}),
}
"""The catalogues, each with columns of its own."""

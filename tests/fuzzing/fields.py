"""Texts of the options of a run: parts of known options, and texts of anything."""

import pathlib
import random
from typing import Any

from jaxfr.errors import InvalidInputError
from jaxfr.part_texts import names_own_file
from jaxfr.parts import REQUIRED, Option
from jaxfr.programs.run_flags import parse_value
from jaxfr.ranges import Range
from jaxfr.sweeps.request import RUN_OPTIONS
from jaxfr.texts import CATALOGUES, write_field
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.part_texts import PART_TEXTS
from tests.fuzzing.texts import odd_text

_OTHERS = {
    "metrics": ("hr@10,ndcg@5", "percentile", "full_er@3,within_third_hr@1"),
    "targets": ("cold:5", "7", "popular:1", "items:0,5"),
    "dataset": ("ml-100k", "synthetic:num_users=50:seed=1", "synthetic:50"),
}


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """A part whose options are drawn, or a text that is changed somewhere."""
    if source.random() < 0.4:
        _known(source)
        return
    name = source.choice([*CATALOGUES, *CATALOGUES, *RUN_OPTIONS])
    text = source.choice(PART_TEXTS.get(name) or _OTHERS.get(name, ("0.5", "3")))
    for _ in range(source.choice((1, 1, 2))):
        place = source.randint(0, len(text))
        end = min(len(text), place + source.choice((0, 0, 1, 3)))
        marks = (":", "=", "+", ",", "@", ".py:", "::", ":1", "+mean", "none")
        text = text[:place] + source.choice((*marks, odd_text(source))) + text[end:]
    value = parse_value(name, text)
    if names_own_file(text) and name in (*CATALOGUES, *_OTHERS):
        raise WrongOutcomeError(f"took code: {text!r}")
    written = write_field(name, value)
    if not _is_same(parse_value(name, written), value):
        raise WrongOutcomeError(f"{name}={text!r} is written as {written!r}")


def _known(source: random.Random) -> None:
    field = source.choice([*CATALOGUES])
    name = source.choice([*CATALOGUES[field]])
    factory = CATALOGUES[field][name]
    chosen: dict[str, Any] = {}
    for option in factory.options:
        if option.default is REQUIRED or source.random() < 0.5:
            chosen[option.name] = _drawn(option, source)
    texts = {name: _as_text(value) for name, value in chosen.items()}
    if any(":" in one or "+" in one for one in texts.values()):
        return  # stands in no text
    written = ":".join([name, *(f"{one}={text}" for one, text in texts.items())])
    try:
        part = parse_value(field, written)
    except InvalidInputError as error:
        raise WrongOutcomeError(f"refused {field}={written}: {error}") from None
    for one, value in chosen.items():
        if part.options[one] != value:
            found = part.options[one]
            raise WrongOutcomeError(f"{written}: {one} is read as {found!r}")


def _drawn(option: Option, source: random.Random) -> Any:
    """A value that an option allows."""
    if option.optional and source.random() < 0.2:
        return None
    allowed = option.allowed
    if isinstance(allowed, Range):
        ends = [allowed.low, allowed.low if allowed.below_high else allowed.high]
        if allowed.whole:
            return int(source.choice((*ends, min(allowed.high, allowed.low + 3))))
        return float(source.choice(ends))
    if allowed is not None:
        return source.choice(allowed)
    return source.random() < 0.5 if option.kind is bool else option.default


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def _is_same(one: Any, other: Any) -> bool:
    """Whether values are the same, also of metrics, which compare by their names."""
    if isinstance(one, tuple):
        return [str(part) for part in one] == [str(part) for part in other]
    return one == other

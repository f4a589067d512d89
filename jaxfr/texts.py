"""The values of an experiment as texts, as on a command line and in files.

A part is its name, followed by its options with colons between them, each by its name
or at its place: ``lie``, ``lie:lie_z=1.5``, ``lie:1.5``. Stages and a rule are joined
by a plus: ``clip_by_norm:1+median``. A part of one's own is a function of a file:
``./mine.py:my_attack:strength=3``.
"""

import functools
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from jaxfr.aggregators import AGGREGATORS, STAGES, chain
from jaxfr.attacks import ATTACKS
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.evaluation.metrics import Metric
from jaxfr.evaluation.names import parse_metrics
from jaxfr.evaluation.targets import parse_targets, write_targets
from jaxfr.experiment import Experiment
from jaxfr.models import MODELS
from jaxfr.optimizers import OPTIMIZERS
from jaxfr.own_files import OWN_FILE, own_factory, refuse_code
from jaxfr.parts import REQUIRED, Catalogue, Factory, Option, Part, options_of
from jaxfr.ranges import Range

T = TypeVar("T")

CATALOGUES: Mapping[str, Catalogue[Any]] = {
    "model": MODELS,
    "client_optimizer": OPTIMIZERS,
    "server_optimizer": OPTIMIZERS,
    "attack": ATTACKS,
    "aggregator": {**AGGREGATORS, **STAGES},
}
"""The parts of each field of an experiment that is a part."""

EXPERIMENT_OPTIONS: Mapping[str, Option] = {
    option.name: option for option in options_of(Experiment)
}
"""The fields of an experiment, in their order."""


def read_field(name: str, text: str, own_files: bool = True) -> Any:
    """Reads the value of a field of an experiment.

    Args:
        name: the field.
        text: its value.
        own_files: whether a part may be a function of a file, whose code is then run.

    Raises:
        InvalidInputError: says the field, its text and what is allowed.
    """
    if name in CATALOGUES:
        return read_part(name, text, own_files)
    if name == "metrics":
        return _read_metrics(text, own_files)
    if name == "targets":
        return parse_targets(text)
    return read_option(EXPERIMENT_OPTIONS[name], text)


def _read_metrics(text: str, own_files: bool) -> tuple[Metric, ...]:
    found: list[Metric] = []
    for name in text.split(","):
        if OWN_FILE in name:
            found.append(read_own("metrics", name, Metric, own_files))
        else:
            found += parse_metrics(name)
    return tuple(found)


def read_own(field: str, text: str, kind: type[T], own_files: bool = True) -> T:
    """Reads a part of a file and makes it, where no other is meant.

    Raises:
        InvalidInputError: as :func:`read_field`, and if it makes something else.
    """
    found = _made_once(_read_one(field, text, own_files))
    if not isinstance(found, kind):
        raise InvalidInputError(
            f"{field}={text!r}: makes a {type(found).__name__}, no {kind.__name__}"
        )
    return found


@functools.lru_cache(maxsize=1024)
def _made_once(part: Part[Any]) -> Any:
    """What a part makes, the same whenever it is read: one program, not several."""
    found = part.make()
    return found._replace(part=part) if isinstance(found, Metric) else found


def write_field(name: str, value: Any) -> str:
    """Writes a value of a field as :func:`read_field` reads it."""
    if name == "metrics":
        return ",".join(str(metric.part or metric.name) for metric in value)
    if name == "targets":
        return write_targets(value)
    return "none" if value is None else str(value)


def read_option(option: Option, text: str) -> Any:
    """Reads the value of an option, a number or text.

    Raises:
        InvalidInputError: says the option, the text and what is allowed.
    """
    if option.optional and text == "none":
        return None
    if option.kind is bool and text in ("true", "false"):
        return text == "true"
    if not isinstance(option.allowed, Range):
        return option.check(text)
    try:
        number = option.kind(text)
    except ValueError:
        raise InvalidInputError(
            f"{option.name}={text!r}: must be {option.allowed}"
        ) from None
    return option.check(number)


def read_part(field: str, text: str, own_files: bool = True) -> Part[Any]:
    """Reads a part, or stages and a rule; as :func:`read_field`."""
    # The plus of 1e+5 joins nothing: names of parts begin with no digit.
    pieces = re.split(r"\+(?![0-9])", text)
    if len(pieces) > 1 and field != "aggregator":
        raise InvalidInputError(f"{field}={text!r}: takes one part")
    parts = [_read_one(field, piece.strip(), own_files) for piece in pieces]
    return parts[0] if len(parts) == 1 else chain(*parts)


def _read_one(field: str, text: str, own_files: bool) -> Part[Any]:
    name, *given = text.split(":")
    if name.endswith(OWN_FILE):
        if not own_files:
            refuse_code(field, text)
        factory = own_factory(name, given.pop(0) if given else "")
    else:
        catalogue = CATALOGUES.get(field, {})
        factory = catalogue.get(name)
        if factory is None:
            raise InvalidInputError(
                f"{field}={name!r}: allowed are {', '.join(catalogue)}, or a "
                f"function of a file as in ./mine.py:my_{field}"
                f"{nearest(name, catalogue)}"
            )
    values: dict[str, Any] = {}
    for place, piece in enumerate(given):
        option, value = _option_of(factory, place, piece, f"{field}={text!r}")
        if option.name in values:
            raise InvalidInputError(f"{field}={text!r}: {option.name} stands twice")
        values[option.name] = read_option(option, value)
    missing = [
        option.name
        for option in factory.options
        if option.default is REQUIRED and option.name not in values
    ]
    if missing:
        raise InvalidInputError(
            f"{field}={text!r}: needs {missing[0]}, as in {name}:{missing[0]}=..."
        )
    return factory(**values)


def _option_of(
    factory: Factory[..., Any], place: int, piece: str, told: str
) -> tuple[Option, str]:
    """The option that a piece such as ``lie_z=1.5`` or ``1.5`` is of, and its text."""
    name, equals, value = piece.partition("=")
    if not equals and place < len(factory.options):
        return factory.options[place], piece
    options = {option.name: option for option in factory.options}
    if name in options and equals:
        return options[name], value
    known = ", ".join(options) or "none"
    raise InvalidInputError(
        f"{told}: has no option {name!r}; options of {factory.name} are {known}"
        f"{nearest(name, options)}"
    )


def place_of_option(name: str) -> str | None:
    """Says which parts have an option, and how it is written; None if none has it."""
    found = [
        (field, factory.name)
        for field, catalogue in CATALOGUES.items()
        for factory in catalogue.values()
        if any(option.name == name for option in factory.options)
    ]
    if not found:
        return None
    field, part = found[0]
    parts = ", ".join(dict.fromkeys(part for _, part in found))
    return (
        f"{name}: is an option of {parts}, and is written with its part, as in "
        f"{field}={part}:{name}=..."
    )

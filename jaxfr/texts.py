"""The values of an experiment as texts, as on a command line and in files.

A part is its name, followed by its options with colons between them, each by its name
or at its place: ``lie``, ``lie:lie_z=1.5``, ``lie:1.5``. Stages and a rule are joined
by a plus: ``clip_by_norm:1+median``. A part of one's own is a function of a file:
``./mine.py:my_attack:strength=3``.
"""

import functools
import re
from collections.abc import Mapping
from typing import Any

from jaxfr.aggregators import AGGREGATORS, OTHER_NAMES, STAGES, chain
from jaxfr.attacks import ATTACKS
from jaxfr.data.datasets import DATASETS
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.metrics import Metric
from jaxfr.evaluation.names import parse_metrics
from jaxfr.evaluation.targets import parse_targets, write_targets
from jaxfr.experiment import Experiment
from jaxfr.models import MODELS
from jaxfr.optimizers import OPTIMIZERS
from jaxfr.own_files import OWN_FILE
from jaxfr.part_texts import check_made, read_one, read_option
from jaxfr.parts import Factory, Option, Part, options_of

CATALOGUES: Mapping[str, Mapping[str, Factory[..., Any]]] = {
    "model": MODELS,
    "client_optimizer": OPTIMIZERS,
    "server_optimizer": OPTIMIZERS,
    "attack": ATTACKS,
    "aggregator": {**AGGREGATORS, **OTHER_NAMES, **STAGES},
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
            made = _made_once(read_one("metrics", name, {}, own_files))
            found.append(check_made(made, Metric, f"metrics={name!r}"))
        else:
            found += parse_metrics(name)
    return tuple(found)


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


def read_part(field: str, text: str, own_files: bool = True) -> Part[Any]:
    """Reads a part, or stages and a rule; as :func:`read_field`."""
    pieces = split_chain(text)
    if len(pieces) > 1 and field != "aggregator":
        raise InvalidInputError(f"{field}={text!r}: takes one part")
    catalogue = CATALOGUES[field]
    parts = [read_one(field, piece.strip(), catalogue, own_files) for piece in pieces]
    return parts[0] if len(parts) == 1 else chain(*parts)


def split_chain(text: str) -> list[str]:
    """The texts of the stages and the rule that a plus joins.

    >>> split_chain("clip_by_norm:1e+5+median")
    ['clip_by_norm:1e+5', 'median']
    """
    # The plus of 1e+5 joins nothing: names of parts begin with no digit.
    return re.split(r"\+(?![0-9])", text)


def place_of_option(name: str) -> str | None:
    """Says where an option or a part of this name is written; None if there is none."""
    catalogues = {**CATALOGUES, "dataset": DATASETS}
    parts = [(field, one) for field, all in catalogues.items() for one in all.values()]
    for field, factory in parts:
        if factory.name == name:
            shown = [f":{option.name}=..." for option in factory.options[:1]]
            return f"{name}: is written as {field}={name}{''.join(shown)}"
    found = [
        (field, factory.name)
        for field, factory in parts
        if any(option.name == name for option in factory.options)
    ]
    if not found:
        return None
    field, part = found[0]
    names = ", ".join(dict.fromkeys(part for _, part in found))
    return (
        f"{name}: is an option of {names}, and is written with its part, as in "
        f"{field}={part}:{name}=..."
    )

"""A suite: what every defense is tried against, frozen under a name and a hash."""

import dataclasses
import hashlib
import json
import pathlib
import typing
from collections.abc import Mapping
from typing import Any

from jaxfr.errors import InvalidInputError, nearest
from jaxfr.files import open_regular, user_errors
from jaxfr.sweeps.grid import written_seeds

_FOLDER = pathlib.Path(__file__).parent / "suites"

SUITES: tuple[str, ...] = ("v1", "quick")
"""The suites that come with jaxfr; ``quick`` is for a first look, not for claims."""


@dataclasses.dataclass(frozen=True)
class Suite:
    """What is run, each field by the name of its flag.

    >>> from jaxfr.tournament import read_suite
    >>> suite = read_suite("quick")
    >>> suite.dataset, suite.rounds, len(suite.hash)
    (('ml-100k',), 200, 12)

    Attributes:
        name: of the suite.
        dataset: data sets.
        model: models.
        attack: attacks, the clean run not among them.
        malicious_ratio: malicious shares of all clients.
        declared: how many Byzantine clients a defense is told to expect, over how many
            there are; for defenses that ask.
        seeds: seeds, as in ``0:5``; in a file a list or a number, too.
        rounds: of a run.
        learning_rate: of clients, and of a server that has none of its own; high enough
            for so many rounds that there is something to lose.
        eval_every: evaluates after every so many rounds, and after the last.
        ranking: of metrics that name none.
        metrics: what is evaluated; the first is the one that attacks are chosen by.
        targets: items whose exposure is measured.
        aggregator: defenses that are tried where none are named. They are no part of
            the hash.
    """

    name: str
    dataset: tuple[str, ...]
    model: tuple[str, ...]
    attack: tuple[str, ...]
    malicious_ratio: tuple[float, ...]
    seeds: str
    rounds: int
    learning_rate: float
    eval_every: int
    ranking: str
    metrics: str
    targets: str
    declared: tuple[float, ...] = (1.0,)
    aggregator: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """Of all that decides what a defense meets: entries of one hash compare."""
        fields = dataclasses.asdict(self)
        del fields["name"], fields["aggregator"]
        text = json.dumps(fields, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def metric(self) -> str:
        """The metric that attacks are chosen by."""
        return self.metrics.split(",")[0]


def read_suite(text: str) -> Suite:
    """Reads a suite by its name, or a file (.json) of the same fields.

    Raises:
        InvalidInputError: if there is none, or a field is missing, unknown or of
            another kind.
    """
    path = _FOLDER / f"{text}.json" if text in SUITES else pathlib.Path(text)
    if path.suffix != ".json":
        raise InvalidInputError(
            f"suite={text!r}: must be {' or '.join(SUITES)}, or a file that ends in "
            f".json{nearest(text, SUITES)}"
        )
    with user_errors("read", path), open_regular(path) as file:
        content = file.read()
    try:
        fields = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{path}: is no JSON ({error})") from None
    if not isinstance(fields, dict):
        raise InvalidInputError(f"{path}: must hold a table")
    try:
        return _suite(fields)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}") from None


def _suite(fields: Mapping[str, Any]) -> Suite:
    known = {field.name: field for field in dataclasses.fields(Suite)}
    for name in fields:
        if name not in known:
            raise InvalidInputError(f"{name}: is no field{nearest(name, [*known])}")
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name not in fields:
            if field.default is dataclasses.MISSING:
                raise InvalidInputError(f"{name}: is missing")
            continue
        value = fields[name]
        if name == "seeds" and type(value) in (int, list):
            value = written_seeds(value)
        values[name] = _read(name, value, field.type)
    return Suite(**values)


def _read(name: str, value: Any, kind: Any) -> Any:
    """A value of a field, of the kind that its annotation says."""
    if typing.get_origin(kind) is tuple:
        several = value if isinstance(value, list) else [value]
        if not several:
            raise InvalidInputError(f"{name}: has no value")
        return tuple(_read(name, one, typing.get_args(kind)[0]) for one in several)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise InvalidInputError(f"{name}={value!r}: must be a {kind.__name__}")
    return value

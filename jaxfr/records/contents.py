"""What the record of a run holds, today and in stores of earlier versions.

Whoever reads records may rely on it: a store holds every line to it.
"""

import datetime
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from jaxfr.evaluation.degree_groups import GROUP_NAMES
from jaxfr.evaluation.metrics import metric_names
from jaxfr.store import Record
from jaxfr.sweeps.settings import Settings

_WHOLE = frozenset({int})
_NUMBER = frozenset({int, float})
_TEXT = frozenset({str})
_NOTHING = frozenset({type(None)})

# Fields that records lacked at first, in the order in which they came. A record that
# has some of one step has all of those before it.
_STEPS: tuple[tuple[str, ...], ...] = (
    ("scope", "lie_z"),
    (
        *("neighbours_per_item", "pseudo_items", "privacy_clip", "privacy_noise"),
        "repeated_negatives",
    ),
    ("room_for_malicious_clients", "nonfinite_scores"),
)


def lack_of_record(record: Record) -> str | None:
    """Says what makes something else than a run's record of a record.

    Fields of other names may hold anything.

    Args:
        record: made of what JSON has.

    Returns:
        A few words about the first field that is missing or holds a value of another
        type, None if there is no such field.
    """
    for name, types_of_field in _FIELDS.items():
        if name not in record:
            if name in _LATER and not _is_expected(name, record):
                continue
            return f"has no {name}"
        if type(record[name]) not in types_of_field:
            return f"has {name}={_short(record[name])}"
    if not _is_moment(record["finished"]):
        return f"has finished={_short(record['finished'])}"
    if not _are_all(record["versions"].values(), _TEXT):
        return "has versions that are no text"
    if not _are_all(record["seconds"].values(), _NUMBER):
        return "has seconds that are no numbers"
    return _lack_of_curve(record["curve"])


def _lack_of_curve(curve: Sequence[Any]) -> str | None:
    if not curve:
        return "has an empty curve"
    for point in curve:
        if type(point) is not dict or type(point.get("round")) is not int:
            return "has a curve without rounds"
        for name in _OVERALL:
            if type(point.get(name)) not in _NUMBER:
                return f"has a curve without {name}"
    return None


def _is_expected(name: str, record: Record) -> bool:
    """Whether a record that has fields of a later step lacks this one."""
    step = _LATER[name]
    return any(later in record for names in _STEPS[step:] for later in names)


def _is_moment(text: str) -> bool:
    try:
        return datetime.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _are_all(values: Any, allowed: frozenset[type]) -> bool:
    return all(type(value) in allowed for value in values)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _types_of(hint: Any) -> frozenset[type]:
    """The types that JSON gives a value of a setting's type."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return frozenset().union(*map(_types_of, typing.get_args(hint)))
    if typing.get_origin(hint) is typing.Literal:
        return _TEXT
    return _NUMBER if hint is float else frozenset({hint})


def _fields() -> Mapping[str, frozenset[type]]:
    settings = typing.get_type_hints(Settings)
    return {
        "run": _TEXT,
        **{name: _types_of(hint) for name, hint in settings.items()},
        "malicious_clients": _WHOLE,
        "num_ranked": _NUMBER,
        "dataset_hash": _TEXT,
        "given_hash": _TEXT | _NOTHING,
        "code_version": _TEXT,
        "num_devices": _WHOLE,
        "runs_at_once": _WHOLE,
        "room_for_malicious_clients": _WHOLE,
        "max_poisoned_items_used": _WHOLE,
        **dict.fromkeys(_OVERALL, _NUMBER),
        **{
            name: _NUMBER | _NOTHING  # of a group that has no user
            for group in GROUP_NAMES
            for name in metric_names(group)
        },
        **{f"users_{group}": _WHOLE for group in GROUP_NAMES},
        "curve": frozenset({list}),
        "dropped_uploads": _WHOLE,
        "nonfinite_scores": _WHOLE,
        "versions": frozenset({dict}),
        "device": _TEXT,
        "seconds": frozenset({dict}),
        "finished": _TEXT,
    }


_OVERALL = metric_names()
_FIELDS = _fields()
_LATER = {name: step for step, names in enumerate(_STEPS) for name in names}

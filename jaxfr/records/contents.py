"""What the record of a run holds, today and in stores of earlier versions.

Whoever reads records may rely on it: a store holds every line to it.
"""

import datetime
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.names import find_metric, overall_fields
from jaxfr.parts import Option
from jaxfr.records.chance import REFERENCES
from jaxfr.store import Record
from jaxfr.sweeps.request import RUN_OPTIONS
from jaxfr.texts import CATALOGUES
from jaxfr.training.judgement import FIELDS as JUDGED
from jaxfr.training.judgement import REPORTED

_WHOLE = frozenset({int})
_NUMBER = frozenset({int, float})
_TEXT = frozenset({str})
_NOTHING = frozenset({type(None)})

# Fields that records lacked at first, in the order in which they came. A record that
# has some of one step has all of those before it.
_STEPS: tuple[tuple[str, ...], ...] = (
    ("pseudo_items", "privacy_clip", "privacy_noise", "repeated_negatives"),
    ("room_for_malicious_clients", "nonfinite_scores"),
    ("metrics", "targets", "chance", "most_popular"),
)


def lack_of_record(record: Record) -> str | None:
    """Says of the first field that is missing or of another type what is wrong.

    None of a run's record. Fields of other names may hold anything that JSON has.
    """
    of_parts = {name: kinds for name, kinds in _OF_PARTS.items() if name in record}
    lack = _lack_of_fields(record, {**_FIELDS, **of_parts})
    metrics = () if lack else overall_fields(record)
    lack = lack or _lack_of_fields(record, _metric_fields(metrics))
    if lack is not None:
        return lack
    if not _is_moment(record["finished"]):
        return f"has finished={_short(record['finished'])}"
    inside = {"versions": _TEXT, "seconds": _NUMBER}
    for name, kinds in (inside | dict.fromkeys(REFERENCES, _NUMBER | _NOTHING)).items():
        if any(type(value) not in kinds for value in record.get(name, {}).values()):
            return f"has {name} that are no {'text' if kinds is _TEXT else 'numbers'}"
    return _lack_of_curve(record["curve"], metrics)


def _lack_of_fields(
    record: Record, fields: Mapping[str, frozenset[type]]
) -> str | None:
    for name, types_of_field in fields.items():
        if name not in record:
            if name in _LATER and not _is_expected(name, record):
                continue
            return f"has no {name}"
        if type(record[name]) not in types_of_field:
            return f"has {name}={_short(record[name])}"
    return None


def _lack_of_curve(curve: Sequence[Any], metrics: Sequence[str]) -> str | None:
    if not curve:
        return "has an empty curve"
    for point in curve:
        if type(point) is not dict or type(point.get("round")) is not int:
            return "has a curve without rounds"
        for name in metrics:
            if name not in point or type(point[name]) not in _types_of_metric(name):
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


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _types_of(option: Option) -> frozenset[type]:
    """The types that JSON gives a value of an option; parts are told by name."""
    found = {int: _WHOLE, float: _NUMBER, bool: frozenset({bool})}
    types = found.get(option.kind, _TEXT)
    return types | _NOTHING if option.optional else types


def _metric_fields(metrics: Sequence[str]) -> dict[str, frozenset[type]]:
    """The fields of metrics; of those that only other code knows, the overall ones."""
    known = {name: find_metric(name) for name in metrics}
    in_groups = [name for name, metric in known.items() if metric and metric.has_groups]
    return {name: _types_of_metric(name) for name in metrics} | {
        f"{name}_{group}": _NUMBER | _NOTHING  # of a group that has no user
        for group in GROUP_NAMES
        for name in in_groups
    }


@functools.lru_cache(maxsize=1024)
def _types_of_metric(name: str) -> frozenset[type]:
    """Of test items there is always one; a target may be everybody's."""
    metric = find_metric(name)
    return _NUMBER if metric and metric.has_groups else _NUMBER | _NOTHING


def _fields_of_parts() -> Mapping[str, frozenset[type]]:
    """Fields that the parts of a run decide; an older record has those of all."""
    found: dict[str, frozenset[type]] = {}
    for field, catalogue in CATALOGUES.items():
        for factory in catalogue.values():
            for option in factory.options:
                for name in (option.name, f"{field}_{option.name}"):
                    before = found.get(name, frozenset())
                    found[name] = before | _types_of(option) | _NOTHING
    found["synthetic"] = _TEXT  # of data, once beside ``dataset`` instead of in it
    return {name: kinds for name, kinds in found.items() if name not in RUN_OPTIONS}


_FIELDS: Mapping[str, frozenset[type]] = {
    **{name: _types_of(option) for name, option in RUN_OPTIONS.items()},
    **dict.fromkeys(("run", "dataset_hash", "code_version"), _TEXT),
    **dict.fromkeys(("device", "finished"), _TEXT),
    "given_hash": _TEXT | _NOTHING,
    **dict.fromkeys(("seed", "malicious_clients", "max_poisoned_items_used"), _WHOLE),
    **dict.fromkeys(("num_devices", "runs_at_once"), _WHOLE),
    **dict.fromkeys(("room_for_malicious_clients", "dropped_uploads"), _WHOLE),
    **dict.fromkeys(("nonfinite_scores", *map("users_{}".format, GROUP_NAMES)), _WHOLE),
    "num_ranked": _NUMBER,
    **dict.fromkeys((*REFERENCES, "versions", "seconds"), frozenset({dict})),
    "curve": frozenset({list}),
}
_OF_PARTS = _fields_of_parts()
_LATER = {name: step for step, names in enumerate(_STEPS) for name in names}


# How the columns begin that nested values of a record have in an export.
_OF_OUTCOMES = (REPORTED, "chance_", "most_popular_", "seconds_", "version_")


def option_names(records: Sequence[Record]) -> list[str]:
    """The fields of records that say what was run, in the order of their records.

    Those are the options of the runs and of their parts, whichever those are.
    """
    names = dict.fromkeys(name for record in records for name in record)
    outcomes = _FIELDS.keys() - RUN_OPTIONS.keys() - {"seed"}
    outcomes |= {*REFERENCES, *JUDGED}
    return [
        name
        for name in names
        if name not in outcomes
        and find_metric(name) is None
        and not name.startswith(_OF_OUTCOMES)
        and not any(isinstance(r.get(name), dict | list) for r in records)
    ]

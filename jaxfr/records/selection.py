"""Which runs count, and in which options they differ."""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence

from jaxfr.attacks import CLEAN, CLEAN_RUN
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.names import overall_fields
from jaxfr.records.contents import option_names
from jaxfr.records.record import Record
from jaxfr.store.lines import options_part
from jaxfr.sweeps.request import RUN_OPTIONS

Scalar = str | int | float | bool | None

# A record holds what these came to in the run. Where they were left to their default,
# that follows from the data, the seed and the other options.
RESOLVED = ("expected_byzantine", "malicious_clients")
_MOST_LISTED = 20
# What decides a run beside its options.
_CONTENTS = ("seed", "dataset_hash", "given_hash")


def of_code_version(
    records: Sequence[Record],
    code_version: str,
    wanted: Mapping[str, datetime.datetime],
) -> list[Record]:
    """The runs that count where the same was run by several versions of the code.

    Args:
        records: of a store.
        code_version: ``latest``, see :func:`latest`; ``all``; or the first characters
            of a version.
        wanted: when each run was wanted last.

    Raises:
        InvalidInputError: if no run is of that version.
    """
    if code_version == "all":
        return list(records)
    if code_version == "latest":
        return latest(records, wanted)
    found = [r for r in records if r["code_version"].startswith(code_version)]
    if not found:
        there = ", ".join(dict.fromkeys(record["code_version"] for record in records))
        raise InvalidInputError(
            f"code_version={code_version}: must be latest, all or the beginning of "
            f"{there or 'one (there are no runs)'}"
        )
    return found


def latest(
    records: Sequence[Record], wanted: Mapping[str, datetime.datetime] | None = None
) -> list[Record]:
    """Keeps one run of those with the same options: that finished or wanted last.

    The same options may have been run by several versions of the code, which ``run``
    names behind the hash of the options, or of a file of one's own. Who brings back an
    older file, and finds its runs finished, looks at these again. The order stays.

    Args:
        records: of a store.
        wanted: when each run was wanted last.
    """
    asked = wanted or {}
    kept: dict[object, tuple[datetime.datetime, int]] = {}
    for place, record in enumerate(records):
        options = _what_was_run(record)
        finished = datetime.datetime.fromisoformat(record["finished"])
        last = (max(finished, asked.get(record["run"], finished)), place)
        kept[options] = max(last, kept.get(options, last))
    return [records[place] for place in sorted(place for _, place in kept.values())]


def _what_was_run(record: Record) -> object:
    """What two runs have in common that differ in the version of their code alone."""
    if "own_files" not in record:
        return options_part(record["run"])
    found = {"own_files", *overall_fields(record)}
    found |= {f"{name}_{group}" for name in found for group in GROUP_NAMES}
    names = [name for name in option_names([record]) if name not in found]
    return tuple((name, repr(record.get(name))) for name in (*names, *_CONTENTS))


def select(records: Sequence[Record], conditions: Iterable[str]) -> list[Record]:
    """Chooses the runs that fulfil every condition.

    That is ``name=value``, ``name!=value``, or several values as in
    ``attack=none|spattack_o_d``. A number is compared as a number; null is written
    ``none``.

    Raises:
        InvalidInputError: if a condition has another form, names no column, asks for
            a value that no run has, or leaves no run.
    """
    chosen = list(records)
    for condition in conditions:
        parts = re.fullmatch(r"([^=!]+)(!?=)(.*)", condition, re.DOTALL)
        if parts is None:
            raise InvalidInputError(
                f"{condition!r}: a condition is name=value or name!=value, with | "
                "between several values"
            )
        name, relation, values = parts[1].strip(), parts[2], parts[3].split("|")
        check_columns([name], records)
        for value in values if relation == "=" else []:
            if not any(_is_written(record.get(name), value) for record in records):
                there_are = _existing(name, records)
                known = {as_text(record.get(name)) for record in records}
                raise InvalidInputError(
                    f"{condition}: no run has {name}={value}{nearest(value, known)}; "
                    f"{there_are}"
                )
        before = chosen
        chosen = [
            record
            for record in before
            if any(_is_written(record.get(name), value) for value in values)
            == (relation == "=")
        ]
        if not chosen:
            raise InvalidInputError(
                f"{condition}: leaves no run; {_existing(name, before)}"
            )
    return chosen


def varying(records: Sequence[Record], options: Iterable[str]) -> list[str]:
    """Names the options that take more than one value, other than the seed.

    Options of ``RESOLVED``, and those of parts, are left out where the others, with the
    seed, decide their value.
    """
    names = list(options)
    deciding = [name for name in names if name in RUN_OPTIONS and name not in RESOLVED]
    others = ["seed", *deciding]
    return [
        name
        for name in names
        if name != "seed"
        and len({record.get(name) for record in records}) > 1
        and (name in deciding or not _follows(name, others, records))
    ]


def default_groupings(records: Sequence[Record], options: Iterable[str]) -> list[str]:
    """The options that differ among runs, the attack last; the attack if none does."""
    names = varying(records, options) or ["attack"]
    return sorted(names, key=lambda name: name == "attack")


def averaged_over(
    records: Sequence[Record], group_by: Sequence[str], options: Iterable[str]
) -> list[str]:
    """Names the options, other than the seed, that differ inside some group."""
    names = list(options)
    found = {
        name
        for members in grouped(records, group_by).values()
        for name in varying(members, names)
    }
    return [name for name in names if name in found]


def in_order(values: Iterable[Scalar]) -> list[Scalar]:
    """Distinct values: null and ``none``, numbers upwards, strings as they came."""

    def place(value: Scalar) -> tuple[int, float]:
        if value is None or value == CLEAN:
            return 0, 0
        return (2, 0) if isinstance(value, str) else (1, value)

    return sorted(dict.fromkeys(values), key=place)


def as_text(value: Scalar) -> str:
    """Writes a value as a condition of :func:`select` would."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def shown(column: str, value: Scalar) -> str:
    """Writes a value of a column for readers: a run without any attack is clean."""
    return CLEAN_RUN if column == "attack" and value == CLEAN else as_text(value)


def check_columns(names: Iterable[str], records: Sequence[Record]) -> None:
    """Refuses names that stand in no run, or in some run for a nested value."""
    columns: dict[str, bool] = {}
    for record in records:
        for name, value in record.items():
            columns[name] = columns.get(name, True) and not isinstance(
                value, dict | list
            )
    allowed = [name for name, is_column in columns.items() if is_column]
    for name in names:
        if name not in allowed:
            # There may be a hundred.
            told = nearest(name, allowed) or f"; there are {', '.join(allowed)}"
            raise InvalidInputError(f"{name!r} is no column{told}")


def grouped(
    records: Sequence[Record], group_by: Sequence[str]
) -> dict[tuple[Scalar, ...], list[Record]]:
    """The runs of each group by its value of each grouping, all in the order given."""
    groups: dict[tuple[Scalar, ...], list[Record]] = {}
    for record in records:
        group = tuple(record.get(name) for name in group_by)
        groups.setdefault(group, []).append(record)
    return groups


def without(group: tuple[Scalar, ...], place: int) -> tuple[Scalar, ...]:
    """A group's values but the one at a place."""
    return group[:place] + group[place + 1 :]


def _follows(name: str, others: Sequence[str], records: Sequence[Record]) -> bool:
    groups = grouped(records, others).values()
    return all(len({record.get(name) for record in group}) == 1 for group in groups)


def _is_written(value: Scalar, text: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return as_text(value) == text
    # Seeds may be too large for a float; Python compares the two kinds exactly.
    for read in (int, float):
        try:
            return value == read(text)
        except ValueError:
            continue
    return False


def _existing(name: str, records: Sequence[Record]) -> str:
    values = [as_text(value) for value in in_order(r.get(name) for r in records)]
    more = ", ..." if len(values) > _MOST_LISTED else ""
    return f"there are {', '.join(values[:_MOST_LISTED])}{more}"

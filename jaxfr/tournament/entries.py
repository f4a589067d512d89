"""Entries: what a defense reached in a suite, one JSON file each, with its errata.

An entry falls when somebody finds a stronger attack. It rises only with another version
of the code, and either way its errata say what changed and why. A defense of one's own
whose file says something else is another defense: nothing of the earlier one stands.
"""

import dataclasses
import datetime
import json
import pathlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.names import is_higher_better
from jaxfr.files import open_regular, user_errors, write_atomically
from jaxfr.tournament.judging import Standing
from jaxfr.tournament.suite import Suite

# What tells the standings of an entry apart.
_KEY = ("dataset", "model", "malicious_ratio", "declared", "metric")


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is kept of a defense.

    Attributes:
        aggregator: the defense, as ``--aggregator`` takes it.
        suite: the suite's name.
        suite_hash: of what the defense met; only entries of one hash compare.
        code_version: with which it was run.
        attacks: tried beside those of the suite.
        standings: by data set, model, share, declared number and metric.
        errata: numbers that changed: when, which, from what to what, and why.
        own_files: the files of one's own that the defense comes from, each with a hash
            of what it said.
    """

    aggregator: str
    suite: str
    suite_hash: str
    code_version: str
    attacks: tuple[str, ...]
    standings: tuple[dict[str, Any], ...]
    errata: tuple[dict[str, Any], ...] = ()
    own_files: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """Of the entry, from the defense's text."""
        return f"{as_file_name(self.aggregator)}.json"


def as_file_name(text: str) -> str:
    """A text as part of a file's name: what else it has becomes a hyphen.

    >>> as_file_name("clip_by_norm:clip_norm=1+mean")
    'clip_by_norm-clip_norm=1-mean'
    >>> as_file_name("./mine.py:agree+mean")  # no hidden file
    'mine.py-agree-mean'
    """
    return re.sub("[^A-Za-z0-9.=_-]+", "-", text).lstrip(".-")


def make_entry(
    aggregator: str,
    suite: Suite,
    attacks: Sequence[str],
    code_version: str,
    standings: Sequence[Standing],
    own_files: Iterable[str] = (),
) -> Entry:
    """The entry of a defense, of the standings that are its own; see ``Entry``."""
    rows = [one.row() for one in standings if one.aggregator == aggregator]
    told = tuple(
        {name: value for name, value in row.items() if name != "aggregator"}
        for row in rows
    )
    files = tuple(sorted(set(own_files)))
    version = suite.name, suite.hash, code_version
    return Entry(aggregator, *version, tuple(attacks), told, own_files=files)


def enter(old: Entry | None, new: Entry) -> Entry:
    """What becomes of an entry when its defense is tried again.

    Of each standing the worse worst case stands, unless the code is another: an entry
    of the same code falls and never rises. What an earlier version of a file of one's
    own reached, and this one was not tried in, is taken back.

    Args:
        old: what there was.

    Raises:
        InvalidInputError: if the old entry is of another suite.
    """
    if old is None:
        return new
    if old.suite_hash != new.suite_hash:
        raise InvalidInputError(
            f"{old.file_name}: is of suite {old.suite} ({old.suite_hash}), which is "
            f"not {new.suite} ({new.suite_hash}); entries of another suite need "
            "another folder"
        )
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    before = {_key(one): one for one in old.standings}
    rewritten = old.own_files != new.own_files
    standings, errata = {} if rewritten else dict(before), list(old.errata)
    changes = ""
    if rewritten:
        changes += f", own files {_listed(new)} (before {_listed(old)})"
    if old.code_version != new.code_version:
        changes += f", code {new.code_version} (before {old.code_version})"

    def tell(key: tuple[Any, ...], after: float | None, why: str) -> None:
        changed = {"before": before[key]["worst"], "after": after, "why": why}
        errata.append({"date": today, **dict(zip(_KEY, key, strict=True)), **changed})

    for one in new.standings:
        earlier = before.get(_key(one))
        if earlier is None or earlier["worst"] == one["worst"]:
            standings[_key(one)] = one
            continue
        lower = one["worst"] < earlier["worst"]
        falls = lower == is_higher_better(one["metric"])
        if not falls and not changes:
            continue
        standings[_key(one)] = one
        why = f"{one['worst_attack']} (before {earlier['worst_attack']})"
        tell(_key(one), one["worst"], why + changes)
    for key in before:
        if key not in standings:
            tell(key, None, f"not tried{changes}")
    earlier_attacks = () if rewritten else old.attacks
    attacks = tuple(dict.fromkeys((*earlier_attacks, *new.attacks)))
    return dataclasses.replace(
        new, attacks=attacks, standings=tuple(standings.values()), errata=tuple(errata)
    )


def _listed(entry: Entry) -> str:
    return ", ".join(entry.own_files) or "none"


def _key(standing: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(standing[name] for name in _KEY)


def read_entries(folder: pathlib.Path) -> list[Entry]:
    """All entries of a folder, by file name.

    Raises:
        InvalidInputError: names the file that is none.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        with user_errors("read", path), open_regular(path) as file:
            content = file.read()
        try:
            fields = json.loads(content)
            entry = Entry(**fields)
            several = {
                name: tuple(getattr(entry, name))
                for name in ("attacks", "standings", "errata", "own_files")
            }
            for one in several["standings"]:
                _key(one)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InvalidInputError(f"{path}: is no entry ({error})") from None
        found.append(dataclasses.replace(entry, **several))
    return found


def write_entry(entry: Entry, folder: pathlib.Path) -> pathlib.Path:
    """Writes an entry into a folder, in place of an older one, and returns its path."""
    path = folder / entry.file_name
    text = json.dumps(dataclasses.asdict(entry), indent=1, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())
    return path

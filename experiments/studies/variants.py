"""What a study varies, and its runs sorted by it."""

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from experiments.studies.names import dataset_title
from experiments.studies.study import Material
from jaxfr.records.results import Record
from jaxfr.records.selection import as_text
from jaxfr.sweeps.settings import Settings

Key = TypeVar("Key", bound=Hashable)

# What is said elsewhere, or changes nothing of the outcome.
_NOT_TOLD = ("dataset", "seed", "eval_every")


class Variant(NamedTuple, Generic[Key]):
    """One of the things that a study compares.

    Attributes:
        key: by which the study finds its runs again.
        changes: the settings in which it differs from the base.
    """

    key: Key
    changes: Mapping[str, Any]


def cross_with_bases(
    bases: Sequence[Settings], variants: Sequence[Variant[Any]]
) -> list[Settings]:
    """The settings of every variant of every base, base by base."""
    return [
        dataclasses.replace(base, **variant.changes)
        for base in bases
        for variant in variants
    ]


def runs_by_dataset(
    material: Material, variants: Sequence[Variant[Key]]
) -> dict[str, dict[Key, list[Record]]]:
    """Sorts the records of ``cross_with_bases`` by data set, then by variant.

    Args:
        material: whose records are those of all variants of all bases.
        variants: as they were crossed with the bases.

    Returns:
        For each data set, by its name in the settings, the records of each key, one
        for each seed.
    """
    found: dict[str, dict[Key, list[Record]]] = {}
    records = iter(material.records)
    for base in material.bases:
        by_key = found.setdefault(base.dataset, {})
        for variant in variants:
            by_key.setdefault(variant.key, []).append(next(records))
    return found


def describe_bases(bases: Sequence[Settings], decided: Sequence[str]) -> str:
    """Says which data sets, seeds and rounds there are, and what is unusual.

    Args:
        bases: the settings that a study started from.
        decided: settings that the study replaces.
    """
    datasets = list(dict.fromkeys(dataset_title(base.dataset) for base in bases))
    seeds = list(dict.fromkeys(base.seed for base in bases))
    defaults, base = Settings(), bases[0]
    changed = [
        f"{field.name}={as_text(getattr(base, field.name))}"
        for field in dataclasses.fields(Settings)
        if field.name not in (*_NOT_TOLD, *decided)
        and getattr(base, field.name) != getattr(defaults, field.name)
    ]
    told = (
        f"{' and '.join(datasets)}; {base.rounds} rounds; {len(seeds)} "
        f"seed{'s' * (len(seeds) > 1)} ({', '.join(map(str, seeds))})."
    )
    if changed:
        told += f" Other than in the paper: {', '.join(changed)}."
    return told

"""What a study varies, and its runs sorted by it."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from experiments.studies.names import dataset_title
from experiments.studies.study import Material
from jaxfr.records.record import Record
from jaxfr.sweeps.request import RunRequest

Key = TypeVar("Key", bound=Hashable)

# What is said elsewhere, or changes nothing of the outcome.
_NOT_TOLD = ("dataset", "seed", "eval_every")


class Variant(NamedTuple, Generic[Key]):
    """One of the things that a study compares.

    Attributes:
        key: by which the study finds its runs again.
        changes: the options in which it differs from the base.
    """

    key: Key
    changes: Mapping[str, Any]


def cross_with_bases(
    bases: Sequence[RunRequest], variants: Sequence[Variant[Any]]
) -> list[RunRequest]:
    """The run of every variant of every base, base by base."""
    return [base.replace(**one.changes) for base in bases for one in variants]


def runs_by_dataset(
    material: Material, variants: Sequence[Variant[Key]]
) -> dict[str, dict[Key, list[Record]]]:
    """Sorts the records of ``cross_with_bases`` by data set, then by variant.

    Args:
        material: whose records are those of all variants of all bases.
        variants: as they were crossed with the bases.

    Returns:
        For each data set, by what runs call it, the records of each key, one
        for each seed.
    """
    found: dict[str, dict[Key, list[Record]]] = {}
    records = iter(material.records)
    for base in material.bases:
        by_key = found.setdefault(base.dataset, {})
        for variant in variants:
            by_key.setdefault(variant.key, []).append(next(records))
    return found


def describe_bases(bases: Sequence[RunRequest], decided: Sequence[str]) -> str:
    """Says which data sets, seeds and rounds there are, and what is unusual.

    Args:
        bases: the runs that a study started from.
        decided: options that the study replaces.
    """
    datasets = list(dict.fromkeys(dataset_title(base.dataset) for base in bases))
    seeds = list(dict.fromkeys(base.seed for base in bases))
    base, usual = bases[0], RunRequest().texts()
    changed = [
        f"{name}={text}"
        for name, text in base.texts().items()
        if name not in (*_NOT_TOLD, *decided) and text != usual[name]
    ]
    told = (
        f"{' and '.join(datasets)}; {base.rounds} rounds; {len(seeds)} "
        f"seed{'s' * (len(seeds) > 1)} ({', '.join(map(str, seeds))})."
    )
    if changed:
        told += f" Other than in the paper: {', '.join(changed)}."
    return told

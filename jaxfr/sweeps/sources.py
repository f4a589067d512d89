"""The data and given values that runs name, each loaded once."""

import dataclasses
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from jaxfr.data import Dataset, LoadOptions, load_dataset
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import check_enough_candidates
from jaxfr.evaluation.targets import check_targets
from jaxfr.experiment import Experiment
from jaxfr.files import user_path
from jaxfr.models.base import num_weights
from jaxfr.processes import leader_note
from jaxfr.records.parameters import load_given_values
from jaxfr.store.identity import content_hash
from jaxfr.sweeps.request import RunRequest
from jaxfr.training.state import GivenValues


class SourceName(NamedTuple):
    """What a run says of where its data come from, and values to start from.

    Where there are such values, their embedding size and shared weights, otherwise 0.
    """

    dataset: str
    init_from: str | None
    embedding_dim: int
    num_weights: int


@dataclasses.dataclass(frozen=True)
class Source:
    """Loaded data and values to start from, and hashes of what both hold."""

    dataset: Dataset
    dataset_hash: str
    given: GivenValues
    given_hash: str | None


def source_name(request: RunRequest) -> SourceName:
    """Where a run's data come from."""
    if request.init_from is None:
        return SourceName(request.dataset, None, 0, 0)
    model = request.experiment.model.make()
    dim, weights = model.embedding_dim, num_weights(model, model.embedding_dim)
    return SourceName(request.dataset, request.init_from, dim, weights)


def load_sources(
    names: Iterable[SourceName],
    load_options: LoadOptions | None,
    loaded: Mapping[str, Dataset] = MappingProxyType({}),
) -> dict[SourceName, Source]:
    """Loads all that is named, each data set once.

    ``loaded`` has data sets that are there already, by what runs call them.
    """
    options = dataclasses.replace(load_options or LoadOptions(), say=leader_note)
    datasets: dict[str, tuple[Dataset, str]] = {}
    sources: dict[SourceName, Source] = {}
    for name in names:
        if name in sources:
            continue
        text = name.dataset
        if text not in datasets:
            there = loaded.get(text)
            found = load_dataset(text, options) if there is None else there
            datasets[text] = found, hash_dataset(found)
        dataset, dataset_hash = datasets[text]
        given, given_hash = GivenValues(), None
        if name.init_from is not None:
            path = user_path(name.init_from, "init_from")
            given = load_given_values(
                path, dataset, name.embedding_dim, name.num_weights
            )
            given_hash = content_hash(
                *(None if value is None else np.asarray(value) for value in given)
            )
        sources[name] = Source(dataset, dataset_hash, given, given_hash)
    return sources


def hash_dataset(dataset: Dataset) -> str:
    """A hash of what a data set holds, not of its name or place."""
    return content_hash(
        dataset.num_users,
        dataset.num_items,
        dataset.train_users.astype(np.int32),
        dataset.train_items.astype(np.int32),
        dataset.test_items.astype(np.int32),
    )


def check_source(request: RunRequest, source: Source) -> None:
    """Refuses data with which a run makes no sense, or nobody can be evaluated."""
    if not source.dataset.num_test_items:
        raise InvalidInputError(
            f"{source.dataset.name}: no user has a test item, so that nothing can be "
            "evaluated; a user with a single interaction has none"
        )
    experiment = request.experiment
    if experiment.ranks("targets"):
        check_targets(source.dataset, [int(one) for one in experiment.targets])
    if experiment.ranks("sampled"):
        check_enough_candidates(source.dataset, experiment.num_candidates)
    if source.given.negatives is not None and experiment.negatives != "fixed":
        raise InvalidInputError(
            f"{request.init_from}: holds negatives, needs --negatives=fixed"
        )


def num_ranked(experiment: Experiment, dataset: Dataset) -> float:
    """Items in a user's ranking; in full ranking, the average."""
    if experiment.ranking == "sampled":
        return experiment.num_candidates + 1
    return dataset.num_items - dataset.num_train_pairs / dataset.num_users

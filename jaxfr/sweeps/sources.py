"""The data and given values that settings name, each loaded once."""

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from jaxfr.data import (
    Dataset,
    LoadOptions,
    load_dataset,
    parse_synthetic_settings,
)
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import check_enough_candidates
from jaxfr.evaluation.targets import check_targets, parse_targets
from jaxfr.files import user_path
from jaxfr.models import MODELS
from jaxfr.models.weights import num_weights
from jaxfr.processes import leader_note
from jaxfr.records.parameters import load_given_values
from jaxfr.store.identity import content_hash
from jaxfr.sweeps.settings import Settings, rankings_of
from jaxfr.training.state import GivenValues


class SourceName(NamedTuple):
    """What settings say of where a run's data come from.

    Attributes:
        dataset: name or path of the data set.
        synthetic: settings of the data set ``synthetic``, otherwise empty.
        init_from: file of values to start from, or None.
        embedding_dim: their embedding size, where there are any, otherwise 0.
        num_weights: shared weights of their model, otherwise 0.
    """

    dataset: str
    synthetic: str
    init_from: str | None
    embedding_dim: int
    num_weights: int


@dataclasses.dataclass(frozen=True)
class Source:
    """Loaded data.

    Attributes:
        dataset: the data set.
        dataset_hash: hash of its content.
        given: values to start from.
        given_hash: hash of theirs, None without any.
    """

    dataset: Dataset
    dataset_hash: str
    given: GivenValues
    given_hash: str | None


def source_name(settings: Settings) -> SourceName:
    """Where a run's data come from."""
    synthetic = settings.synthetic if settings.dataset == "synthetic" else ""
    if settings.init_from is None:
        return SourceName(settings.dataset, synthetic, None, 0, 0)
    dim = settings.embedding_dim
    weights = num_weights(MODELS[settings.model](), dim)
    return SourceName(settings.dataset, synthetic, settings.init_from, dim, weights)


def load_sources(
    names: Iterable[SourceName], load_options: LoadOptions | None
) -> dict[SourceName, Source]:
    """Loads all that is named, each data set once.

    Args:
        names: names, some perhaps several times.
        load_options: how data are loaded; None for the defaults.

    Raises:
        InvalidInputError: if something cannot be loaded.
    """
    datasets: dict[tuple[str, str], tuple[Dataset, str]] = {}
    sources: dict[SourceName, Source] = {}
    for name in names:
        if name in sources:
            continue
        data = name.dataset, name.synthetic
        if data not in datasets:
            loaded = load_dataset(
                name.dataset,
                dataclasses.replace(
                    load_options or LoadOptions(),
                    synthetic=parse_synthetic_settings(name.synthetic),
                    say=leader_note,
                ),
            )
            datasets[data] = loaded, hash_dataset(loaded)
        dataset, dataset_hash = datasets[data]
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


def check_source(settings: Settings, source: Source) -> None:
    """Refuses data with which these settings make no sense.

    Raises:
        InvalidInputError: names the setting, or says that nobody can be evaluated.
    """
    if not source.dataset.num_test_items:
        raise InvalidInputError(
            f"{source.dataset.name}: no user has a test item, so that nothing can be "
            "evaluated; a user with a single interaction has none"
        )
    rankings = rankings_of(settings)
    if "targets" in rankings:
        check_targets(source.dataset, parse_targets(settings.targets))
    if "sampled" in rankings:
        check_enough_candidates(source.dataset, settings.num_candidates)
    if source.given.negatives is not None and settings.negatives != "fixed":
        raise InvalidInputError(
            f"{settings.init_from}: holds negatives, needs --negatives=fixed"
        )


def num_ranked(settings: Settings, dataset: Dataset) -> float:
    """Items in a user's ranking; in full ranking, the average."""
    if settings.ranking == "sampled":
        return settings.num_candidates + 1
    return dataset.num_items - dataset.num_train_pairs / dataset.num_users

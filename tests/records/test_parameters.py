"""Values that a run ended with, saved and started from."""

import functools

import jax
import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.models import MODELS
from jaxfr.models.weights import num_weights
from jaxfr.records.parameters import load_given_values, save_parameters
from jaxfr.training import Configuration, GivenValues, Hyperparameters
from jaxfr.training.host import Run, Seconds
from tests.training.problem import (
    DIM,
    compiled_start,
    configured,
    small_dataset,
    small_layout,
)

NUMBERS = Hyperparameters(malicious_clients=2)


def configuration_of(model: str) -> Configuration:
    return configured("spattack_l_d", "mean", model=model)


@functools.cache
def ended(model: str) -> Run:
    """A run of no rounds at all."""
    start = compiled_start(
        configuration_of(model), NUMBERS, small_layout(), jax.random.key(0)
    )
    batch = jax.tree.map(lambda leaf: leaf[None], start)
    return Run(0, (), 0, Seconds(0.0, 0.0, 0.0), batch, 0)


def save(path, model: str) -> None:
    save_parameters(
        path, configuration_of(model), NUMBERS, small_layout(), ended(model)
    )


def load(path, model: str) -> GivenValues:
    return load_given_values(
        path, small_dataset(), DIM, num_weights(MODELS[model](), DIM)
    )


@pytest.mark.parametrize("model", ["fedmf", "fedgnn"])
def test_what_was_saved_is_what_a_run_can_start_from(tmp_path, model):
    path = tmp_path / "end.npz"
    save(path, model)
    given, run = load(path, model), ended(model)
    for found, expected in (
        (given.user_embeddings, run.state.clients.embedding),
        (given.item_embeddings, run.state.item_embeddings),
        (given.negatives, run.setup.pairs.negatives),
        (given.noise, run.state.items.attack.noise),
    ):
        np.testing.assert_array_equal(found, expected)
    with np.load(path) as saved:
        assert saved["poisoned_items"].shape == (2, small_dataset().num_items)
    if run.state.weights is None:
        assert given.weights is None
        return
    np.testing.assert_array_equal(given.weights, run.state.weights.values[0])
    configuration, key = configuration_of(model), jax.random.key(1)
    _, again = compiled_start(configuration, NUMBERS, small_layout(), key, given)
    assert again.weights is not None
    np.testing.assert_array_equal(again.weights.values[0], given.weights)


def test_weights_of_another_model_are_refused_or_ignored_where_there_are_none(tmp_path):
    path = tmp_path / "end.npz"
    save(path, "fedgnn")
    assert load(path, "fedmf").weights is None
    with pytest.raises(InvalidInputError, match=r"weights .*24"):
        load(path, "mlp")


def test_weights_may_be_left_out(tmp_path):
    path = tmp_path / "end.npz"
    save(path, "fedmf")
    assert load(path, "fedgnn").weights is None


def test_weights_that_are_not_finite_are_refused(tmp_path):
    path = tmp_path / "end.npz"
    save(path, "fedgnn")
    with np.load(path) as saved:
        arrays = dict(saved)
    arrays["weights"][3] = np.nan
    np.savez(path, allow_pickle=False, **arrays)
    with pytest.raises(InvalidInputError, match="weights must hold finite numbers"):
        load(path, "fedgnn")

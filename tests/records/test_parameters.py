"""Values that a run ended with, saved and started from."""

import functools
import io
import os
import zipfile

import jax
import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.models import MODELS
from jaxfr.models.base import num_weights
from jaxfr.records.parameters import load_given_values, save_parameters
from jaxfr.training import GivenValues
from jaxfr.training.result import RunResult, Seconds
from tests.training.problem import (
    DIM,
    compiled_start,
    configured,
    small_dataset,
    small_layout,
)


def experiment_of(model: str) -> Experiment:
    return configured(
        "spattack_l_d", "mean", model=f"{model}:{DIM}", malicious_clients=2
    )


@functools.cache
def ended(model: str) -> RunResult:
    """A run of no rounds at all."""
    start = compiled_start(experiment_of(model), small_layout(), jax.random.key(0))
    batch = jax.tree.map(lambda leaf: leaf[None], start)
    seconds = Seconds(0.0, 0.0, 0.0)
    return RunResult(0, (), 0, {}, seconds, batch, 0)


def save(path, model: str) -> None:
    save_parameters(path, experiment_of(model), small_layout(), ended(model))


def load(path, model: str) -> GivenValues:
    weights = num_weights(MODELS[model]().make(), DIM)
    return load_given_values(path, small_dataset(), DIM, weights)


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
    key = jax.random.key(1)
    _, again = compiled_start(experiment_of(model), small_layout(), key, given)
    assert again.weights is not None
    np.testing.assert_array_equal(again.weights.values[0], given.weights)


def test_weights_of_another_model_are_refused_or_ignored_where_there_are_none(tmp_path):
    path = tmp_path / "end.npz"
    save(path, "fedgnn")
    assert load(path, "fedmf").weights is None
    with pytest.raises(InvalidInputError, match=r"weights .*24"):
        load(path, "mlp")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    path = tmp_path / "end.npz"
    save(path, "fedgnn")
    with np.load(path) as saved:
        arrays = dict(saved)
    arrays["weights"][3] = np.nan
    np.savez(path, allow_pickle=False, **arrays)
    with pytest.raises(InvalidInputError, match="weights must hold finite numbers"):
        load(path, "fedgnn")


def arrays() -> dict[str, np.ndarray]:
    dataset = small_dataset()
    return {
        "user_embeddings": np.ones((dataset.num_users, DIM)),
        "item_embeddings": np.ones((dataset.num_items, DIM)),
    }


def header(shape: str, kind: str = "<f8") -> bytes:
    """The head of an array that need not follow."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def zipped(content: bytes, name: str = "user_embeddings.npy", **options) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def damaged_inside() -> bytes:
    """A compressed array whose bits are not what was compressed."""
    content = header("(1000,)") + bytes(range(256)) * 40
    whole = zipped(content, compression=zipfile.ZIP_DEFLATED)
    return whole[:60] + bytes(255 - byte for byte in whole[60:90]) + whole[90:]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "not a zip file"),
        (b"something else", "not a zip file"),
        (header("(3,)") + b"\0" * 24, "not a zip file"),  # an .npy
        (damaged_inside(), "decompress"),
        (zipped(b""), ""),
        (zipped(b"no array"), "magic"),
        (zipped(header("((((")), ""),
        (zipped(header("(10000000000000, 3)")), "has shape .*must be"),
        (zipped(header("(12, 3)", "|O")), "has type object, must hold numbers"),
        (zipped(header("(12, 3)", "<U90000000")), "must hold numbers"),
        (zipped(header("(12, 3)")), ""),  # and no numbers
        (zipped(b"", name="other.npy"), "has no array user_embeddings"),
    ],
)
def test_a_file_of_anything_else_is_one_line(tmp_path, content, named):
    path = tmp_path / "start.npz"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=f"{path}.*{named}"):
        load(path, "fedmf")


def test_what_is_no_file_is_one_line(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing"):
        with pytest.raises(InvalidInputError, match=f"^cannot read {path}: "):
            load(path, "fedmf")


@pytest.mark.parametrize("value", [1e39, -np.inf, np.nan])
def test_numbers_are_finite_in_float32_too(tmp_path, value):
    given = arrays()
    given["item_embeddings"][2, 1] = value
    np.savez(tmp_path / "start.npz", allow_pickle=False, **given)
    with pytest.raises(InvalidInputError, match="item_embeddings must hold finite"):
        load(tmp_path / "start.npz", "fedmf")


@pytest.mark.parametrize(
    ("value", "kind", "named"),
    [
        (-1, np.int64, "must be items, 0 to 14"),
        (15, np.uint64, "must be items, 0 to 14"),
        (2**64 - 1, np.uint64, "must be items, 0 to 14"),
        (0, np.float32, "has type float32, must hold whole numbers"),
        (0, np.bool_, "has type bool, must hold whole numbers"),
    ],
)
def test_negatives_are_items(tmp_path, value, kind, named):
    negatives = np.full(small_dataset().num_train_pairs, value, kind)
    path = tmp_path / "start.npz"
    np.savez(path, allow_pickle=False, **arrays(), negatives=negatives)
    with pytest.raises(InvalidInputError, match=f"negatives {named}"):
        load(path, "fedmf")


def test_a_negative_that_its_user_trains_on_is_refused(tmp_path):
    # The type in which whole numbers of both kinds meet would be a rounded one.
    negatives = small_dataset().train_items.astype(np.uint64)
    path = tmp_path / "start.npz"
    np.savez(path, allow_pickle=False, **arrays(), negatives=negatives)
    with pytest.raises(InvalidInputError, match="is a training item of its user"):
        load(path, "fedmf")

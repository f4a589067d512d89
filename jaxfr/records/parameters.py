"""Embeddings, negatives and noise as a file, to check a run against other code."""

import pathlib
import zipfile

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.data.dataset import Dataset
from jaxfr.errors import InvalidInputError
from jaxfr.files import replacing
from jaxfr.processes import is_leader
from jaxfr.training.host import Run
from jaxfr.training.layout import Layout, in_client_order, in_pair_order
from jaxfr.training.settings import Configuration, Hyperparameters, make_attack
from jaxfr.training.start import attack_knowledge
from jaxfr.training.state import GivenValues


def load_given_values(
    path: pathlib.Path, dataset: Dataset, embedding_dim: int, num_weights: int = 0
) -> GivenValues:
    """Reads the values that a run is to start from.

    Args:
        path: an ``.npz`` file with ``user_embeddings [n, d]`` and ``item_embeddings
            [m, d]``, and if wanted ``negatives`` (one item for each training pair, in
            the data set's order), ``noise [m, d]``, and ``weights [w]`` for a model
            with shared weights; other arrays are ignored.
        dataset: the data set of the run.
        embedding_dim: embedding size d of the run.
        num_weights: number w of the model's shared weights.

    Raises:
        InvalidInputError: if the file cannot be read, or an array is missing, has
            another shape or type, or holds values that mean nothing.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InvalidInputError(f"cannot read {path} as .npz: {error}") from None
    users, items = dataset.num_users, dataset.num_items
    shapes = {
        "user_embeddings": (users, embedding_dim),
        "item_embeddings": (items, embedding_dim),
        "negatives": (dataset.num_train_pairs,),
        "noise": (items, embedding_dim),
        "weights": (num_weights,),
    }
    floats = {name for name in shapes if name != "negatives"}
    if num_weights == 0:
        arrays.pop("weights", None)  # of another model
    for name in ("user_embeddings", "item_embeddings"):
        if name not in arrays:
            raise InvalidInputError(f"{path}: has no array {name}")
    for name, shape in shapes.items():
        if name in arrays and arrays[name].shape != shape:
            raise InvalidInputError(
                f"{path}: {name} has shape {arrays[name].shape}, must be {shape}"
            )
    if "negatives" in arrays:
        _check_negatives(path, arrays["negatives"], dataset)
    negatives = arrays.get("negatives")
    return GivenValues(
        negatives=None if negatives is None else jnp.asarray(negatives, jnp.int32),
        **{
            name: _as_float(path, name, arrays[name]) for name in floats & arrays.keys()
        },
    )


def save_parameters(
    path: pathlib.Path,
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    run: Run,
) -> None:
    """Writes what a run ended with, in the form that :func:`load_given_values` reads.

    Of several processes all must call it, and the leader writes.

    Besides the two tables: ``negatives``; ``weights`` of a model with shared ones;
    ``noise`` for an L attack; and
    ``poisoned_items``, bool ``[malicious clients, m]``, which items each malicious
    client poisons.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    attack = make_attack(configuration, hyperparameters)
    knowledge = attack_knowledge(
        configuration, hyperparameters, layout, run.setup.max_poisoned_items
    )
    state = run.state
    users = state.clients.embedding
    poisoned = np.asarray(attack.poisoned_items(state.items.attack, knowledge))
    noise = attack.uploaded_noise(state.items.attack)
    arrays = {
        "user_embeddings": in_client_order(layout, users),
        "item_embeddings": np.asarray(state.item_embeddings),
        "negatives": in_pair_order(layout, run.setup.pairs.negatives),
        "poisoned_items": poisoned[: int(hyperparameters.malicious_clients)],
    }
    if noise is not None:
        arrays["noise"] = np.asarray(noise)
    if state.weights is not None:
        arrays["weights"] = np.asarray(state.weights.values[0])
    if not is_leader():
        return
    # To an open file, since NumPy would add .npz to a name that ends otherwise.
    with replacing(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _as_float(path: pathlib.Path, name: str, array: np.ndarray) -> jax.Array:
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise InvalidInputError(f"{path}: {name} must hold finite numbers")
    return jnp.asarray(array, jnp.float32)


def _check_negatives(
    path: pathlib.Path, negatives: np.ndarray, dataset: Dataset
) -> None:
    if negatives.dtype.kind not in "iu":
        raise InvalidInputError(f"{path}: negatives must be whole numbers")
    if negatives.min() < 0 or negatives.max() >= dataset.num_items:
        raise InvalidInputError(
            f"{path}: negatives must be items, 0 to {dataset.num_items - 1}"
        )
    first_item = dataset.train_users.astype(np.int64) * dataset.num_items
    if np.isin(first_item + negatives, first_item + dataset.train_items).any():
        raise InvalidInputError(f"{path}: a negative is a training item of its user")

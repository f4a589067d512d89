"""Embeddings, negatives and noise as a file, to check a run against other code."""

import contextlib
import functools
import pathlib
import zipfile
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.data.dataset import Dataset
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.files import open_regular, replacing, user_errors
from jaxfr.processes import is_leader
from jaxfr.training.layout import Layout, in_client_order, in_pair_order
from jaxfr.training.result import RunResult
from jaxfr.training.start import attack_knowledge
from jaxfr.training.state import GivenValues

# By the version of NumPy's format; the third is for types with named fields.
_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def load_given_values(
    path: pathlib.Path, dataset: Dataset, embedding_dim: int, num_weights: int = 0
) -> GivenValues:
    """Reads the values that a run is to start from.

    An ``.npz`` file has ``user_embeddings [n, d]`` and ``item_embeddings [m, d]``, and
    if wanted ``negatives`` (one item for each training pair, in the data set's order),
    ``noise [m, d]``, and ``weights [w]`` for a model with shared weights; other arrays
    are ignored.

    Raises:
        InvalidInputError: if the file cannot be read, or an array is missing, has
            another shape or type, or holds values that mean nothing.
    """
    users, items = dataset.num_users, dataset.num_items
    floats: dict[str, tuple[int, ...]] = {
        "user_embeddings": (users, embedding_dim),
        "item_embeddings": (items, embedding_dim),
        "noise": (items, embedding_dim),
    }
    if num_weights > 0:  # otherwise they are of another model
        floats["weights"] = (num_weights,)
    with _opened(path) as read:
        values = {name: read(name, "fiu", shape) for name, shape in floats.items()}
        negatives = read("negatives", "iu", (dataset.num_train_pairs,))
    for name in ("user_embeddings", "item_embeddings"):
        if values[name] is None:
            raise InvalidInputError(f"{path}: has no array {name}")
    if negatives is not None:
        negatives = _as_negatives(path, negatives, dataset)
    return GivenValues(
        negatives=negatives,
        **{
            name: _as_float(path, name, array)
            for name, array in values.items()
            if array is not None
        },
    )


def save_parameters(
    path: pathlib.Path, experiment: Experiment, layout: Layout, run: RunResult
) -> None:
    """Writes what a run ended with, in the form that :func:`load_given_values` reads.

    Of several processes all must call it, and the leader writes.

    Besides the two tables: ``negatives``; ``weights`` of a model with shared ones;
    ``noise`` for an L attack; and ``poisoned_items``, bool ``[malicious clients, m]``,
    which items each malicious client poisons.
    """
    attack = experiment.attack.make()
    knowledge = attack_knowledge(experiment, layout, run.setup.pairs, run.setup.targets)
    state = run.state
    users = state.clients.embedding
    poisoned = np.asarray(attack.poisoned_items(state.items.attack, knowledge))
    noise = attack.uploaded_noise(state.items.attack)
    arrays = {
        "user_embeddings": in_client_order(layout, users),
        "item_embeddings": np.asarray(state.item_embeddings),
        "negatives": in_pair_order(layout, run.setup.pairs.negatives),
        "poisoned_items": poisoned[: int(experiment.malicious_clients or 0)],
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


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Iterator[Callable[..., np.ndarray | None]]:
    """A file of arrays as a function that reads one; see ``_read_array``."""
    with user_errors("read", path), open_regular(path) as file:
        with _as_npz(path):
            archive = zipfile.ZipFile(file)
        with archive:
            yield functools.partial(_read_array, path, archive)


def _read_array(
    path: pathlib.Path,
    archive: zipfile.ZipFile,
    name: str,
    kinds: str,
    shape: tuple[int, ...],
) -> np.ndarray | None:
    """Reads an array once it is known to have this shape, so that it may be held.

    None where the file has none of this name; ``kinds`` are NumPy's of its type.
    """
    if f"{name}.npy" not in archive.namelist():
        return None
    with _as_npz(path), archive.open(f"{name}.npy") as member:
        found, _, kind = _READ_HEADER[np.lib.format.read_magic(member)](member)
    if kind.kind not in kinds:
        wanted = "whole numbers" if kinds == "iu" else "numbers"
        raise InvalidInputError(f"{path}: {name} has type {kind}, must hold {wanted}")
    if found != shape:
        raise InvalidInputError(f"{path}: {name} has shape {found}, must be {shape}")
    with _as_npz(path), archive.open(f"{name}.npy") as member:
        return np.lib.format.read_array(member, allow_pickle=False)


@contextlib.contextmanager
def _as_npz(path: pathlib.Path) -> Iterator[None]:
    """Turns whatever a damaged file is answered with into a user's error."""
    try:
        yield
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds
        reason = str(error) or type(error).__name__
        raise InvalidInputError(f"cannot read {path} as .npz: {reason}") from None


def _as_float(path: pathlib.Path, name: str, array: np.ndarray) -> jax.Array:
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise InvalidInputError(
            f"{path}: {name} must hold finite numbers, in float32 too"
        )
    return jnp.asarray(values)


def _as_negatives(
    path: pathlib.Path, negatives: np.ndarray, dataset: Dataset
) -> jax.Array:
    if negatives.min() < 0 or negatives.max() >= dataset.num_items:
        raise InvalidInputError(
            f"{path}: negatives must be items, 0 to {dataset.num_items - 1}"
        )
    first_item = dataset.train_users.astype(np.int64) * dataset.num_items
    drawn = first_item + negatives.astype(np.int64)
    if np.isin(drawn, first_item + dataset.train_items).any():
        raise InvalidInputError(f"{path}: a negative is a training item of its user")
    return jnp.asarray(negatives, jnp.int32)

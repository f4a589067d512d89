"""Files of start values: in order, of odd arrays, and damaged ones."""

import contextlib
import functools
import io
import pathlib
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxfr.data import Dataset, synthetic_dataset
from jaxfr.errors import InvalidInputError
from jaxfr.records.parameters import load_given_values
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.texts import damage

_DIM, _WEIGHTS = 3, 5


@functools.cache
def prepare() -> Dataset:
    """The data that the values are for."""
    return synthetic_dataset(num_users=12, num_items=15, num_pairs=60)


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """A file in order, or one that is not."""
    arrays, draw = _in_order(source), source.random()
    path = pathlib.Path(source.choice(("start.npz", "start.npz", "start", "a b.npz")))
    if draw > 0.3:
        for _ in range(source.choice((0, 1, 1, 2))):
            _change(arrays, source)
    content = _packed(arrays, source.random() < 0.5)
    if draw > 0.7:
        content = _damaged(content, source)
    path.write_bytes(content)
    weights = source.choice((0, _WEIGHTS))
    try:
        given = load_given_values(path, prepare(), _DIM, weights)
    except InvalidInputError as error:
        if draw > 0.3:
            raise
        raise WrongOutcomeError(f"refused plain values: {error}") from None
    if draw > 0.7:
        return
    for name, value in given._asdict().items():
        if name == "weights" and weights == 0:
            continue
        _check_same(name, value, arrays.get(name))


def _check_same(name: str, found: Any, saved: np.ndarray | None) -> None:
    if (found is None) != (saved is None):
        raise WrongOutcomeError(f"{name}: {'not ' * (found is None)}read")
    if found is None or saved is None:
        return
    numbers = np.asarray(found)
    if not np.all(np.isfinite(numbers)):
        raise WrongOutcomeError(f"{name}: not finite")
    if not np.array_equal(numbers, saved.astype(numbers.dtype)):
        raise WrongOutcomeError(f"{name}: other values")


def _in_order(source: random.Random) -> dict[str, np.ndarray]:
    dataset, draw = prepare(), np.random.default_rng(source.getrandbits(32))
    kind = source.choice((np.float32, np.float64, np.float16, ">f4"))
    shapes = {
        "user_embeddings": (dataset.num_users, _DIM),
        "item_embeddings": (dataset.num_items, _DIM),
        "noise": (dataset.num_items, _DIM),
        "weights": (_WEIGHTS,),
    }
    arrays = {
        name: draw.normal(size=shape).astype(kind) for name, shape in shapes.items()
    }
    held: list[set[int]] = [set() for _ in range(dataset.num_users)]
    for user, item in zip(dataset.train_users, dataset.train_items, strict=True):
        held[user].add(item)
    arrays["negatives"] = np.array(
        [
            source.choice(sorted(set(range(dataset.num_items)) - held[user]))
            for user in dataset.train_users
        ],
        source.choice((np.int32, np.int64, np.uint16, np.uint64)),
    )
    for name in ("noise", "weights", "negatives"):
        if source.random() < 0.4:
            del arrays[name]
    return arrays


def _change(arrays: dict[str, np.ndarray], source: random.Random) -> None:
    name = source.choice((*arrays, "noise", "weights", "negatives", "other"))
    array = arrays.get(name, np.zeros(3, np.float32))
    odd = source.choice((np.nan, np.inf, 1e39, 1e-46, -1, 15, 2**31, 2**32, 2**63))
    kinds = ("?", "c8", "S4", "O", "U8", "M8[s]", "i8", "f8", "g", "V4", "(2,)f4")
    changes: tuple[Callable[[], np.ndarray], ...] = (
        *[lambda: array.astype(source.choice(kinds))] * 3,
        *[lambda: _with_first(array, odd)] * 3,
        *(lambda: array[:-1], lambda: array[..., None], lambda: array.T),
        *(lambda: array * 0, lambda: -array, lambda: array + 2**32),
        *(lambda: np.zeros(0), lambda: np.array(1.0), lambda: array.reshape(-1)),
        *(
            lambda: np.zeros(array.shape, [("a", "f4")]),
            lambda: np.asfortranarray(array),
        ),
    )
    # Not all that is tried is possible with every array.
    with (
        warnings.catch_warnings(action="ignore"),
        contextlib.suppress(
            *(ArithmeticError, TypeError, ValueError, IndexError, RuntimeError)
        ),
    ):
        arrays[name] = source.choice(changes)()


def _with_first(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.astype(np.float64)
    changed.flat[0] = value
    return changed


def _packed(arrays: dict[str, np.ndarray], compressed: bool) -> bytes:
    file = io.BytesIO()
    write = np.savez_compressed if compressed else np.savez
    write(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _damaged(content: bytes, source: random.Random) -> bytes:
    draw = source.random()
    if draw < 0.6:
        return damage(content, source)
    if draw < 0.7:
        return source.choice(
            (b"", b"PK", b"PK\x05\x06" + bytes(18), b"\x93NUMPY", b"x")
        )
    if draw < 0.75:
        file = io.BytesIO()
        np.save(file, np.zeros((12, 3)))
        return file.getvalue()
    return _with_odd_member(content, source)


def _with_odd_member(content: bytes, source: random.Random) -> bytes:
    """Adds a member that says that it is huge, or is no array."""
    shapes = "(10**3,)", f"({10**14}, 3)", f"({2**62}, {2**62})"
    shape = source.choice((*shapes, "(-1,)", "('a',)", "((1,),)"))
    kind = source.choice(("'<f4'", "'|O'", "'<f999'", "'V5'", "1", "[('a', '<f4')]"))
    header = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    member = source.choice((array, array + bytes(60), b"", b"not an array", array[:9]))
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        existing = archive.namelist()
        name = source.choice(("extra", "x.npy", "noise2.npy", "weights.npy"))
        if name not in existing:
            archive.writestr(name, member)
    return file.getvalue()

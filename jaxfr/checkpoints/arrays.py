"""A pytree of arrays as a file of what one process holds of them.

The file is an uncompressed ``.npz`` with a label and a description of the leaves
beside their numbers, and the checksum of all of it behind the end, where readers of
``.npz`` do not look. Nothing in it is pickled.
"""

import contextlib
import io
import itertools
import json
import pathlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.errors import InvalidInputError
from jaxfr.files import open_regular

T = TypeVar("T")

# Where a piece lies in its array: first and last index but one, axis by axis.
Place = tuple[tuple[int, int], ...]
# What a file says of itself.
Label = Mapping[str, str | int]

FORMAT = 2
_DESCRIPTION = "leaves.json"
_BEFORE_CHECKSUM = b"\nchecksum "
_CHECKSUM_DIGITS = 8
_TAIL = len(_BEFORE_CHECKSUM) + _CHECKSUM_DIGITS
_CHUNK = 2**20


class _Checked(io.RawIOBase):
    """Passes on what is written, and knows its CRC-32; nothing can be gone back to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.checksum = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.checksum = zlib.crc32(content, self.checksum)
        return self._file.write(content)


def write_arrays(path: pathlib.Path, tree: object, label: Label) -> None:
    """Writes what this process holds of all arrays, each distinct piece once.

    Leaves are fetched from their devices one at a time. They are NumPy's arrays, and
    JAX's of numbers, booleans or typed random keys, on any devices. The label is what
    the file says of itself, under its checksum.

    Raises:
        TypeError: if a leaf is anything else; names it.
        OSError: if the file cannot be written.
    """
    leaves = list(_named_leaves(tree))
    pieces = [_pieces(_numbers(name, leaf)) for name, leaf in leaves]
    described = [
        {**_describe(name, leaf), "pieces": list(of_leaf)}
        for (name, leaf), of_leaf in zip(leaves, pieces, strict=True)
    ]
    with path.open("wb") as file:
        checked = _Checked(file)
        with zipfile.ZipFile(checked, "w") as archive:
            content = {"format": FORMAT, "label": dict(label), "leaves": described}
            archive.writestr(_DESCRIPTION, json.dumps(content))
            for leaf, of_leaf in enumerate(pieces):
                for number, piece in enumerate(of_leaf.values()):
                    name = _piece_name(leaf, number)
                    with archive.open(name, "w", force_zip64=True) as member:
                        np.lib.format.write_array(
                            member, np.asarray(piece), allow_pickle=False
                        )
        file.write(_BEFORE_CHECKSUM + _digits(checked.checksum))


def read_label(path: pathlib.Path) -> Label | None:
    """What a file says of itself; None of one that is not whole, to the last bit.

    Refuses a file that is none of ``write_arrays``, or of another format.
    """
    checksum = 0
    with open_regular(path) as file:
        left = file.seek(0, io.SEEK_END) - _TAIL
        file.seek(0)
        while left > 0 and (chunk := file.read(min(left, _CHUNK))):
            checksum = zlib.crc32(chunk, checksum)
            left -= len(chunk)
        if left or file.read() != _BEFORE_CHECKSUM + _digits(checksum):
            return None
    with _opened(path) as (_, content):
        return content["label"]


def read_arrays(path: pathlib.Path, template: T) -> T:
    """Reads what ``write_arrays`` wrote, sharded as the template's arrays are.

    The file is whole, and of the process that reads it. The template is a pytree like
    the one that was written; its numbers do not matter.

    Raises:
        InvalidInputError: if the file holds other leaves, or a leaf of another shape,
            type, kind of random key or division among devices; names it.
        OSError: if the file cannot be read.
    """
    leaves = list(_named_leaves(template))
    with _opened(path) as (archive, content):
        described = content["leaves"]
        _check_leaves(path, described, leaves)
        arrays = []
        for number, (name, leaf) in enumerate(leaves):
            places = described[number]["pieces"]
            pieces = _read_pieces(archive, number, places, leaf)
            try:
                arrays.append(_assemble(leaf, pieces))
            except KeyError:
                raise InvalidInputError(
                    f"{path}: {name} was divided among other devices"
                ) from None
    return jax.tree.unflatten(jax.tree.structure(template), arrays)


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    """A file of arrays, and what it says of itself and of its leaves."""
    with open_regular(path) as file:
        try:
            archive = zipfile.ZipFile(file)
            content = json.loads(archive.read(_DESCRIPTION))
            found = content["format"]
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError, RecursionError):
            raise InvalidInputError(f"{path} is no checkpoint") from None
        if found != FORMAT:
            raise InvalidInputError(
                f"{path} is a checkpoint of format {found}; this jaxfr reads {FORMAT}"
            )
        yield archive, content


def _named_leaves(tree: object) -> Iterator[tuple[str, Any]]:
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        yield jax.tree_util.keystr(path), leaf


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _numbers(name: str, leaf: Any) -> jax.Array | np.ndarray:
    """The plain numbers of a leaf."""
    if isinstance(leaf, jax.Array):
        return jax.random.key_data(leaf) if _is_key(leaf) else leaf
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "biufcV":
        return leaf
    raise TypeError(f"{name}: a {type(leaf).__name__} is no array of numbers")


def _describe(name: str, leaf: Any) -> dict[str, Any]:
    """What has to agree between a leaf that was written and one to be read."""
    key = str(jax.random.key_impl(leaf)) if _is_key(leaf) else None
    kind = "key" if key else leaf.dtype.name
    return {"name": name, "type": kind, "shape": list(leaf.shape), "key": key}


def _pieces(numbers: jax.Array | np.ndarray) -> dict[Place, Any]:
    """What this process holds, by where it lies; copies on other devices left out."""
    if isinstance(numbers, np.ndarray):
        return {tuple((0, size) for size in numbers.shape): numbers}
    return {
        _place(shard.index, numbers.shape): shard.data
        for shard in numbers.addressable_shards
    }


def _place(index: tuple[slice, ...], shape: tuple[int, ...]) -> Place:
    return tuple(
        part.indices(size)[:2] for part, size in zip(index, shape, strict=True)
    )


def _check_leaves(
    path: pathlib.Path, described: list[dict[str, Any]], leaves: list[tuple[str, Any]]
) -> None:
    for found, wanted in itertools.zip_longest(described, leaves):
        there = found["name"] if found else "no more"
        if wanted is None or there != wanted[0]:
            name = wanted[0] if wanted else "no more"
            raise InvalidInputError(
                f"{path} holds {len(described)} leaves, must be {len(leaves)}: where "
                f"it has {there}, there must be {name}"
            )
        name, leaf = wanted
        for what, value in _describe(name, leaf).items():
            if found[what] != value:
                raise InvalidInputError(
                    f"{path}: {name} has {what} {found[what]}, must be {value}"
                )


def _read_pieces(
    archive: zipfile.ZipFile, number: int, places: list[Any], leaf: Any
) -> dict[Place, np.ndarray]:
    pieces = {}
    for piece, place in enumerate(places):
        with archive.open(_piece_name(number, piece)) as member:
            array = np.lib.format.read_array(member, allow_pickle=False)
        if array.dtype.kind == "V":
            # NumPy's files do not know the types that JAX adds, such as bfloat16.
            array = array.view(leaf.dtype)
        pieces[tuple(map(tuple, place))] = array
    return pieces


def _assemble(leaf: Any, pieces: Mapping[Place, np.ndarray]) -> Any:
    """An array like the leaf; a ``KeyError`` if a piece of it is missing."""
    if isinstance(leaf, np.ndarray):
        return pieces[tuple((0, size) for size in leaf.shape)]
    numbers = jax.random.key_data(leaf) if _is_key(leaf) else leaf
    places = numbers.sharding.addressable_devices_indices_map(numbers.shape)
    array = jax.make_array_from_single_device_arrays(
        numbers.shape,
        numbers.sharding,
        [
            jax.device_put(pieces[_place(index or (), numbers.shape)], device)
            for device, index in places.items()
        ],
    )
    if _is_key(leaf):
        return jax.random.wrap_key_data(array, impl=jax.random.key_impl(leaf))
    return array


def _piece_name(leaf: int, piece: int) -> str:
    return f"leaf_{leaf}_piece_{piece}.npy"


def _digits(checksum: int) -> bytes:
    return f"{checksum:0{_CHECKSUM_DIGITS}x}".encode()

"""Arrays of every kind come back from their file with their bits, or not at all."""

import zipfile
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxfr.checkpoints.arrays import read_arrays, read_label, write_arrays
from jaxfr.errors import InvalidInputError
from tests.checkpoints.samples import assert_same_bits, blank, many_kinds

LABEL = {"work": "some", "process": 3}


def on_devices(values: Any, *axes: Any) -> jax.Array:
    """Divided among two by two devices as the axes say."""
    mesh = Mesh(np.array(jax.devices()[:4]).reshape(2, 2), ("a", "b"))
    return jax.device_put(values, NamedSharding(mesh, PartitionSpec(*axes)))


def test_every_kind_of_array_comes_back_with_its_bits(tmp_path):
    tree = many_kinds()
    write_arrays(tmp_path / "file", tree, LABEL)
    found = read_arrays(tmp_path / "file", blank(tree))
    assert_same_bits(found, tree)
    assert type(found["moments"][0]) is type(tree["moments"][0])
    assert read_label(tmp_path / "file") == LABEL
    for name in ("key", "other_key"):
        drawn, expected = (jax.random.normal(t[name], (4,)) for t in (found, tree))
        np.testing.assert_array_equal(drawn, expected)
    with np.load(tmp_path / "file", allow_pickle=False) as file:
        arrays = [file[name] for name in file.files if name != "leaves.json"]
    assert any(np.array_equal(array, np.linspace(0, 1, 5)) for array in arrays)


@pytest.mark.parametrize("random_keys", [False, True])
@pytest.mark.parametrize(
    ("axes", "pieces"),
    [
        ((), 1),  # the same on all devices
        (("a",), 2),  # two copies of each piece
        ((("a", "b"),), 4),
    ],
)
def test_what_is_divided_among_devices_comes_back_to_them(
    tmp_path, axes, pieces, random_keys
):
    values = np.arange(48, dtype=np.float32).reshape(4, 12)
    keys = jax.random.split(jax.random.key(3), 4)
    table = on_devices(keys if random_keys else values, *axes)
    write_arrays(tmp_path / "file", [table], LABEL)
    with zipfile.ZipFile(tmp_path / "file") as archive:
        written = [name for name in archive.namelist() if name.endswith(".npy")]
    assert len(written) == pieces
    (found,) = read_arrays(tmp_path / "file", [blank(table)])
    assert_same_bits(found, table)
    assert found.sharding.is_equivalent_to(table.sharding, table.ndim)
    shards = [
        [(shard.device, shard.index) for shard in array.addressable_shards]
        for array in (found, table)
    ]
    assert shards[0] == shards[1]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"scalar": None}, r"3 leaves, must be 2: .* \['scalar'\].* \['table'\]"),
        ({"table": None}, r"3 leaves, must be 2: .* \['table'\].* no more"),
        ({"vector": jnp.zeros(3)}, r"must be 4: .* no more, there .* \['vector'\]"),
        ({"table": jnp.zeros((3, 2))}, r"\['table'\] has shape \[2, 3\].*\[3, 2\]"),
        ({"table": jnp.zeros((2, 3), jnp.int32)}, r"\['table'\].*float32.*int32"),
        ({"table": jax.random.key(0)}, r"\['table'\] has type float32, must be key"),
        ({"key": jax.random.key(0, impl="rbg")}, r"\['key'\] has key threefry2x32"),
        ({"key": jax.random.key_data(jax.random.key(0))}, r"\['key'\] has type key"),
    ],
)
def test_another_tree_is_refused_with_the_name_of_the_leaf(tmp_path, changed, named):
    tree = {
        "key": jax.random.key(0),
        "scalar": jnp.zeros(()),
        "table": jnp.ones((2, 3)),
    }
    write_arrays(tmp_path / "file", tree, LABEL)
    with pytest.raises(InvalidInputError, match=named) as caught:
        read_arrays(tmp_path / "file", {**tree, **changed})
    assert str(tmp_path / "file") in str(caught.value)


def test_another_division_among_devices_is_refused(tmp_path):
    table = np.arange(48, dtype=np.float32).reshape(4, 12)
    write_arrays(tmp_path / "file", {"table": on_devices(table, "a")}, LABEL)
    with pytest.raises(InvalidInputError, match=r"\['table'\] was divided among"):
        read_arrays(tmp_path / "file", {"table": on_devices(table, None, "a")})


@pytest.mark.parametrize("value", [0.5, "text", np.float64(1), np.array(["text"])])
def test_what_is_no_array_of_numbers_is_refused(tmp_path, value):
    with pytest.raises(TypeError, match=r"\['step'\]"):
        write_arrays(tmp_path / "file", {"step": value}, LABEL)
    assert not (tmp_path / "file").exists()


def test_a_file_of_another_format_or_of_something_else_is_refused(
    tmp_path, monkeypatch
):
    path = tmp_path / "file"
    monkeypatch.setattr("jaxfr.checkpoints.arrays.FORMAT", 0)
    write_arrays(path, [jnp.zeros(2)], LABEL)
    monkeypatch.undo()
    for read in (read_label, lambda path: read_arrays(path, [jnp.zeros(2)])):
        with pytest.raises(InvalidInputError, match="of format 0; this jaxfr reads 2"):
            read(path)
    for content in (b"", b"something else", b"PK\5\6" + b"\0" * 18):
        path.write_bytes(content)
        with pytest.raises(InvalidInputError, match="file is no checkpoint"):
            read_arrays(path, [jnp.zeros(2)])


@pytest.mark.parametrize("chunk", [10, 2**20])
def test_a_file_is_whole_only_with_every_bit_and_no_more(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr("jaxfr.checkpoints.arrays._CHUNK", chunk)
    path = tmp_path / "file"
    write_arrays(path, {"key": jax.random.key(0), "table": jnp.ones((2, 3))}, LABEL)
    whole = path.read_bytes()
    assert read_label(path) == LABEL
    damaged = [
        whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        for place in range(0, len(whole), 7)
    ]
    cuts = (b"", whole[:5], whole[:-1], whole[:-18], whole[1:], whole + b"\n")
    for content in (*damaged, *cuts, whole[:-30] + whole[-29:]):
        path.write_bytes(content)
        assert read_label(path) is None

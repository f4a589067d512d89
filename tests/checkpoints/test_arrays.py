import zipfile
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxfr.checkpoints.arrays import (
    is_whole,
    read_arrays,
    read_label,
    write_arrays,
)
from jaxfr.errors import InvalidInputError
from tests.checkpoints.samples import assert_same_bits, blank, many_kinds

LABEL = {"work": "some", "process": 3}


def on_devices(values: Any, *axes: str | None) -> jax.Array:
    """Divided among two by two devices as the axes say."""
    mesh = Mesh(np.array(jax.devices()[:4]).reshape(2, 2), ("a", "b"))
    return jax.device_put(values, NamedSharding(mesh, PartitionSpec(*axes)))


def test_every_kind_of_array_comes_back_with_its_bits(tmp_path):
    tree = many_kinds()
    write_arrays(tmp_path / "file", tree, LABEL)
    found = read_arrays(tmp_path / "file", blank(tree))
    assert_same_bits(found, tree)
    assert type(found["moments"][0]) is type(tree["moments"][0])


def test_a_key_that_comes_back_draws_the_same(tmp_path):
    tree = many_kinds()
    write_arrays(tmp_path / "file", tree, LABEL)
    found = read_arrays(tmp_path / "file", blank(tree))
    for name in ("key", "other_key"):
        drawn, expected = (jax.random.normal(t[name], (4,)) for t in (found, tree))
        np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize(
    ("axes", "pieces"),
    [
        ((), 1),  # the same on all devices
        (("a",), 2),  # two copies of each piece
        (("a", "b"), 4),
        ((None, ("a", "b")), 4),
    ],
)
def test_what_is_divided_among_devices_comes_back_to_them(tmp_path, axes, pieces):
    table = on_devices(np.arange(48, dtype=np.float32).reshape(4, 12), *axes)
    write_arrays(tmp_path / "file", [table], LABEL)
    with zipfile.ZipFile(tmp_path / "file") as archive:
        written = [name for name in archive.namelist() if name.endswith(".npy")]
    assert len(written) == pieces
    (found,) = read_arrays(tmp_path / "file", [jnp.zeros_like(table)])
    assert_same_bits(found, table)
    assert found.sharding == table.sharding
    for one, other in zip(
        found.addressable_shards, table.addressable_shards, strict=True
    ):
        assert (one.device, one.index) == (other.device, other.index)
        np.testing.assert_array_equal(one.data, other.data)


@pytest.mark.parametrize("axes", [(), ("a",), (("a", "b"),)])
def test_divided_keys_come_back_to_their_devices(tmp_path, axes):
    keys = on_devices(jax.random.split(jax.random.key(3), 4), *axes)
    write_arrays(tmp_path / "file", {"keys": keys}, LABEL)
    found = read_arrays(tmp_path / "file", {"keys": blank(keys)})["keys"]
    assert_same_bits(found, keys)
    assert found.sharding.is_equivalent_to(keys.sharding, keys.ndim)


def test_numpy_reads_the_file(tmp_path):
    write_arrays(tmp_path / "file", many_kinds(), LABEL)
    with np.load(tmp_path / "file", allow_pickle=False) as file:
        arrays = [file[name] for name in file.files if name != "leaves.json"]
    assert any(np.array_equal(array, np.linspace(0, 1, 5)) for array in arrays)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"scalar": None}, r"3 leaves, must be 2: .* \['scalar'\].* \['table'\]"),
        ({"table": None}, r"3 leaves, must be 2: .* \['table'\].* no more"),
        (
            {"vector": jnp.zeros(3)},
            r"must be 4: .* no more, there must be \['vector'\]",
        ),
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


def test_another_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("jaxfr.checkpoints.arrays.FORMAT", 0)
    write_arrays(tmp_path / "file", [jnp.zeros(2)], LABEL)
    monkeypatch.undo()
    with pytest.raises(InvalidInputError, match="of format 0; this jaxfr reads 2"):
        read_arrays(tmp_path / "file", [jnp.zeros(2)])


def test_a_file_says_what_it_is(tmp_path):
    write_arrays(tmp_path / "file", [jnp.zeros(2)], LABEL)
    assert read_label(tmp_path / "file") == LABEL


@pytest.mark.parametrize("content", [b"", b"something else", b"PK\5\6" + b"\0" * 18])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InvalidInputError, match="file is no checkpoint"):
        read_label(tmp_path / "file")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "file"
    write_arrays(path, {"key": jax.random.key(0), "table": jnp.ones((2, 3))}, LABEL)
    return path.read_bytes()


def test_a_file_is_whole_only_with_every_bit(tmp_path, whole):
    path = tmp_path / "file"
    path.write_bytes(whole)
    assert is_whole(path)
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        assert not is_whole(path)


def test_a_part_of_a_file_or_more_than_it_is_not_whole(tmp_path, whole):
    path = tmp_path / "file"
    for part in (b"", whole[:5], whole[:-1], whole[:-18], whole[1:], whole + b"\n"):
        path.write_bytes(part)
        assert not is_whole(path)


def test_a_large_file_is_read_in_chunks(tmp_path, whole, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(whole)
    monkeypatch.setattr("jaxfr.checkpoints.arrays._CHUNK", 10)
    assert is_whole(path)
    path.write_bytes(whole[:-30] + whole[-29:])
    assert not is_whole(path)

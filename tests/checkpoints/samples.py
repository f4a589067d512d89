"""Pytrees of all kinds of arrays that a checkpoint can hold."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax


def many_kinds() -> dict[str, Any]:
    """Numbers whose bits are easily lost, random keys, and an optimiser's state."""
    odd = jnp.array([[0.1, -0.0, jnp.inf], [jnp.nan, 1e-45, 3e38]], jnp.float32)
    optimizer = optax.adam(0.1)
    _, moments = optimizer.update({"w": odd[0, :2]}, optimizer.init({"w": odd[0, :2]}))
    return {
        "odd": odd,
        "half": odd.astype(jnp.float16),
        "brain": odd.astype(jnp.bfloat16),
        "whole": jnp.arange(-2, 3, dtype=jnp.int8),
        "truth": jnp.array([True, False]),
        "scalar": jnp.float32(2.5),
        "empty": jnp.zeros((0, 3)),
        "key": jax.random.key(7),
        "keys": jax.random.split(jax.random.key(7), 3),
        "other_key": jax.random.key(7, impl="rbg"),
        "moments": moments,
        "nothing": None,
        "host": np.linspace(0, 1, 5),
        "host_scalar": np.array(0.1),
        "host_odd": np.arange(6, dtype=np.int32).reshape(2, 3).T,
    }


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def blank(tree: Any) -> Any:
    """A pytree alike with other numbers."""

    def other(leaf: Any) -> Any:
        if _is_key(leaf):
            numbers = jnp.zeros_like(jax.random.key_data(leaf))
            return jax.random.wrap_key_data(numbers, impl=jax.random.key_impl(leaf))
        return (np if isinstance(leaf, np.ndarray) else jnp).zeros_like(leaf)

    return jax.tree.map(other, tree)


def bits(leaf: Any) -> tuple[str, tuple[int, ...], bytes]:
    """All that makes a leaf what it is."""
    numbers = jax.random.key_data(leaf) if _is_key(leaf) else leaf
    kind = f"{type(leaf).__name__} {leaf.dtype}"
    return kind, leaf.shape, np.asarray(numbers).tobytes()


def assert_same_bits(found: Any, expected: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    assert [*map(bits, jax.tree.leaves(found))] == [
        *map(bits, jax.tree.leaves(expected))
    ]

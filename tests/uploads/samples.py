"""Uploads as plain arrays, whose arithmetic NumPy repeats in float64."""

import jax.numpy as jnp
import numpy as np

from jaxfr.uploads import Uploads

NUM_ITEMS, NUM_VECTORS, NUM_ROWS, DIM = 6, 5, 40, 3


def random_uploads(seed: int) -> Uploads:
    """Rows of all kinds, in random order; item 2 and 3 of 6 have none."""
    generator = np.random.default_rng(seed)
    items = generator.choice([0, 1, 4, 5], size=NUM_ROWS)
    numbers = generator.normal(size=(2, NUM_ROWS))
    return Uploads(
        item=jnp.asarray(items, jnp.int32),
        weight=jnp.asarray(generator.integers(0, 4, size=NUM_ROWS), jnp.int32),
        vector=jnp.asarray(generator.integers(NUM_VECTORS, size=NUM_ROWS), jnp.int32),
        scale=jnp.asarray(numbers[0], jnp.float32),
        item_scale=jnp.asarray(numbers[1] * (numbers[1] > 0), jnp.float32),
        vectors=jnp.asarray(generator.normal(size=(NUM_VECTORS, DIM)), jnp.float32),
        item_embeddings=jnp.asarray(
            generator.normal(size=(NUM_ITEMS, DIM)), jnp.float32
        ),
        participants=jnp.int32(NUM_ROWS),
    )


def materialised(uploads: Uploads) -> np.ndarray:
    """All rows, ``[rows, d]`` float64, one after the other."""
    fields = (
        uploads.item,
        uploads.vector,
        np.asarray(uploads.scale, np.float64),
        np.asarray(uploads.item_scale, np.float64),
    )
    vectors = np.asarray(uploads.vectors, np.float64)
    embeddings = np.asarray(uploads.item_embeddings, np.float64)
    return np.array(
        [
            scale * vectors[vector] + item_scale * embeddings[item]
            for item, vector, scale, item_scale in zip(*fields, strict=True)
        ]
    )

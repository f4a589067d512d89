"""Uploads to aggregate, most of them of one shape, so that a rule compiles once."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import ArrayLike

from jaxfr.uploads import ItemSlots, Uploads, group_rows, plan_item_slots

NUM_ITEMS, NUM_ROWS, DIM = 4, 32, 3
# Any of the items may receive all of the rows.
PLAN = plan_item_slots(np.full(NUM_ITEMS, NUM_ROWS), 1)


def make_uploads(
    *,
    item: ArrayLike,
    weight: ArrayLike,
    vectors: ArrayLike,
    item_embeddings: ArrayLike,
    participants: int,
    vector: ArrayLike | None = None,
    scale: ArrayLike = 1.0,
    item_scale: ArrayLike = 0.0,
) -> Uploads:
    """Uploads without groups, row r being ``vectors[r]`` unless told otherwise."""
    rows = np.shape(item)
    return Uploads(
        item=jnp.asarray(item, jnp.int32),
        weight=jnp.asarray(weight, jnp.int32),
        vector=jnp.asarray(np.arange(*rows) if vector is None else vector, jnp.int32),
        scale=jnp.broadcast_to(jnp.asarray(scale, jnp.float32), rows),
        item_scale=jnp.broadcast_to(jnp.asarray(item_scale, jnp.float32), rows),
        vectors=jnp.asarray(vectors, jnp.float32),
        item_embeddings=jnp.asarray(item_embeddings, jnp.float32),
        participants=jnp.asarray(participants, jnp.int32),
    )


@jax.jit
def grouped(uploads: Uploads, plan: tuple[ItemSlots, ...] = PLAN) -> Uploads:
    """Groups the rows by item, in the order in which they were uploaded."""
    in_order = jnp.arange(uploads.item.size)
    groups, _ = group_rows(uploads.item, uploads.weight > 0, in_order, plan)
    return uploads._replace(groups=groups)


def factored_uploads(
    rows_per_item: Sequence[int], seed: int, *, max_weight: int = 1
) -> Uploads:
    """Random multiples of client vectors and item embeddings, in random order.

    Weights are random from 0, or always 1 if that is the largest. Rows of weight 0
    fill them up to ``NUM_ROWS``. A few more clients take part than upload an item.
    """
    generator = np.random.default_rng(seed)
    num_items = len(rows_per_item)
    item = np.repeat(np.arange(num_items), rows_per_item)
    smallest = 1 if max_weight == 1 else 0
    weight = generator.integers(smallest, max_weight, size=len(item), endpoint=True)
    filling = max(0, NUM_ROWS - len(item))
    order = generator.permutation(len(item) + filling)
    count = len(order)
    return make_uploads(
        item=np.pad(item, (0, filling))[order],
        weight=np.pad(weight, (0, filling))[order],
        vectors=generator.normal(size=(count, DIM)),
        item_embeddings=generator.normal(size=(num_items, DIM)),
        participants=max(rows_per_item) * max_weight + 3,
        vector=generator.integers(count, size=count),
        scale=generator.normal(size=count),
        item_scale=generator.choice([0.0, 0.1, 1.0], size=count),
    )


def rows_of_one_item(rows: ArrayLike, weight: Sequence[int] | None = None) -> Uploads:
    """The given rows ``[count, DIM]``, uploaded for item 0 by all participants."""
    given = np.asarray(rows, np.float32)
    filling = NUM_ROWS - len(given)
    weights = np.ones(len(given), int) if weight is None else np.array(weight)
    uploads = make_uploads(
        item=np.zeros(NUM_ROWS),
        weight=np.pad(weights, (0, filling)),
        vectors=np.pad(given, ((0, filling), (0, 0))),
        item_embeddings=np.zeros((NUM_ITEMS, DIM)),
        participants=int(weights.sum()),
    )
    return grouped(uploads)


def quarters(shape: int | tuple[int, ...], largest: int) -> st.SearchStrategy:
    """Arrays of multiples of 1/4, whose sums and products float32 holds exactly."""
    whole = hnp.arrays(np.int8, shape, elements=st.integers(-4 * largest, 4 * largest))
    return whole.map(lambda numbers: numbers / 4)


@st.composite
def few_rows(draw: st.DrawFn, max_rows: int = 10, max_weight: int = 3) -> Uploads:
    """Uploads of a few rows, which often tie, and of many rows of weight 0."""
    filling = (0, NUM_ROWS - max_rows)
    weight = draw(hnp.arrays(np.int32, max_rows, elements=st.integers(0, max_weight)))
    item = hnp.arrays(np.int32, NUM_ROWS, elements=st.integers(0, NUM_ITEMS - 1))
    uploads = make_uploads(
        item=draw(item),
        weight=np.pad(weight, filling),
        vectors=np.pad(draw(quarters((max_rows, DIM), 2)), (filling, (0, 0))),
        item_embeddings=draw(quarters((NUM_ITEMS, DIM), 2)),
        participants=int(weight.sum()) + draw(st.integers(0, 5)),
        scale=np.pad(draw(quarters(max_rows, 1)), filling),
        item_scale=np.pad(draw(quarters(max_rows, 1)), filling),
    )
    return grouped(uploads)

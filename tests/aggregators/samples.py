"""Uploads to aggregate, most of them of one shape, so that a rule compiles once."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import ArrayLike

from jaxfr.uploads import ItemSlots, ItemTable, Uploads, group_rows, plan_item_slots
from tests.uploads.samples import SINGLE, Kind

NUM_ITEMS, NUM_ROWS, DIM = 4, 32, 3
# Any of the items may receive all of the rows.
PLAN = plan_item_slots(np.full(NUM_ITEMS, NUM_ROWS), 1)


KINDS = {
    "single_rows": SINGLE,
    "bundles_and_tables": Kind(width=4, one_item_scale=True, tables=(1, 2)),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


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
    kind: Kind = SINGLE,
    tables: Sequence[tuple[ArrayLike, ArrayLike]] = (),
) -> Uploads:
    """Uploads without groups, row r being ``vectors[r]`` unless told otherwise."""
    rows = np.shape(item)
    given_item_scale = jnp.asarray(item_scale, jnp.float32)
    if not kind.one_item_scale:
        given_item_scale = jnp.broadcast_to(given_item_scale, rows)
    return Uploads(
        item=jnp.asarray(item, jnp.int32),
        weight=jnp.asarray(weight, jnp.int32),
        vector=jnp.asarray(np.arange(*rows) if vector is None else vector, jnp.int32),
        scale=jnp.broadcast_to(jnp.asarray(scale, jnp.float32), rows),
        item_scale=given_item_scale,
        vectors=jnp.asarray(vectors, jnp.float32),
        item_embeddings=jnp.asarray(item_embeddings, jnp.float32),
        participants=jnp.asarray(participants, jnp.int32),
        tables=tuple(
            ItemTable(jnp.asarray(given, jnp.float32), jnp.asarray(sent, jnp.int32))
            for given, sent in tables
        ),
    )


@jax.jit
def grouped(uploads: Uploads, plan: tuple[ItemSlots, ...] = PLAN) -> Uploads:
    """Groups the rows by item, in the order in which they were uploaded."""
    groups, _ = group_rows(uploads.item, uploads.weight > 0, uploads.num_items, plan)
    return uploads._replace(groups=groups)


def factored_uploads(
    rows_per_item: Sequence[int],
    seed: int,
    *,
    max_weight: int = 1,
    kind: Kind = SINGLE,
) -> Uploads:
    """Random multiples of client vectors and item embeddings, in random order.

    Weights are random from 0, or always 1 if that is the largest. Rows of weight 0
    fill them up to ``NUM_ROWS``, and to whole bundles. A few more clients take part
    than upload an item. Of an item's rows, tables hold a half, as far as there is room.
    """
    generator = np.random.default_rng(seed)
    num_items = len(rows_per_item)
    smallest = 1 if max_weight == 1 else 0

    def draw_weights(shape: int | tuple[int, ...]) -> np.ndarray:
        return generator.integers(smallest, max_weight, size=shape, endpoint=True)

    room = sum(kind.tables)
    in_tables = np.minimum(np.array(rows_per_item) // 2, room)
    held = draw_weights((num_items, room)) * (np.arange(room) < in_tables[:, None])
    table_rows = generator.normal(size=(num_items, room, DIM))
    cuts = np.cumsum(kind.tables)[:-1].astype(int)
    tables = zip(
        np.split(table_rows, cuts, axis=1), np.split(held, cuts, axis=1), strict=True
    )

    item = np.repeat(np.arange(num_items), np.array(rows_per_item) - in_tables)
    weight = draw_weights(len(item))
    filling = max(-len(item) % kind.width, NUM_ROWS - len(item))
    order = generator.permutation(len(item) + filling)
    count = len(order)
    return make_uploads(
        item=np.pad(item, (0, filling))[order],
        weight=np.pad(weight, (0, filling))[order],
        vectors=generator.normal(size=(count, DIM)),
        item_embeddings=generator.normal(size=(num_items, DIM)),
        participants=max(rows_per_item) * max_weight + 3,
        vector=generator.integers(count, size=count // kind.width),
        scale=generator.normal(size=count),
        item_scale=0.1
        if kind.one_item_scale
        else generator.choice([0.0, 0.1, 1.0], size=count),
        kind=kind,
        tables=list(tables) if kind.tables else (),
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
def few_rows(
    draw: st.DrawFn, max_rows: int = 10, max_weight: int = 3, kind: Kind = SINGLE
) -> Uploads:
    """Uploads of a few rows, which often tie, and of many rows of weight 0."""
    filling = (0, NUM_ROWS - max_rows)

    def draw_weights(shape: int | tuple[int, ...]) -> np.ndarray:
        return draw(hnp.arrays(np.int32, shape, elements=st.integers(0, max_weight)))

    weight = draw_weights(max_rows)
    tables = [
        (
            draw(quarters((NUM_ITEMS, per_item, DIM), 2)),
            draw_weights((NUM_ITEMS, per_item)),
        )
        for per_item in kind.tables
    ]
    clients = int(weight.sum() + sum(held.sum() for _, held in tables))
    item = hnp.arrays(np.int32, NUM_ROWS, elements=st.integers(0, NUM_ITEMS - 1))
    item_scale = np.pad(draw(quarters(max_rows, 1)), filling)
    uploads = make_uploads(
        item=draw(item),
        weight=np.pad(weight, filling),
        vectors=np.pad(draw(quarters((max_rows, DIM), 2)), (filling, (0, 0))),
        item_embeddings=draw(quarters((NUM_ITEMS, DIM), 2)),
        participants=clients + draw(st.integers(0, 5)),
        vector=np.arange(NUM_ROWS // kind.width),
        scale=np.pad(draw(quarters(max_rows, 1)), filling),
        item_scale=item_scale[0] if kind.one_item_scale else item_scale,
        kind=kind,
        tables=tables,
    )
    return grouped(uploads)


def rows_of_any_kind() -> st.SearchStrategy[Uploads]:
    """A few rows, held in one of the ways there are."""
    return st.one_of(*(few_rows(kind=kind) for kind in KINDS.values()))


def scaled(uploads: Uploads, factor: float) -> Uploads:
    """All rows times a factor."""
    return uploads._replace(
        vectors=uploads.vectors * factor,
        item_embeddings=uploads.item_embeddings * factor,
        tables=tuple(
            table._replace(rows=table.rows * factor) for table in uploads.tables
        ),
    )

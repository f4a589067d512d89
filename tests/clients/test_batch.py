"""The distinct items over which a client's pairs run."""

import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.clients.batch import Batch, make_batch
from jaxfr.sampling import PADDING_ITEM

NUM_ITEMS, WIDTH = 12, 7

batch_of = jax.jit(make_batch)

pairs_of_one_client = st.lists(
    st.tuples(st.integers(0, NUM_ITEMS - 1), st.integers(0, NUM_ITEMS - 1)),
    max_size=WIDTH,
    unique_by=lambda pair: pair[0],
).filter(lambda pairs: not {j for j, _ in pairs} & {k for _, k in pairs})


def pad(items) -> np.ndarray:
    padded = np.full(WIDTH, PADDING_ITEM, np.int32)
    padded[: len(items)] = items
    return padded


def pairs_in(batch: Batch) -> list[tuple[int, int]]:
    items, negative = np.asarray(batch.items), np.asarray(batch.negative)
    places = np.flatnonzero(batch.pair)
    return [(int(items[place]), int(items[negative[place]])) for place in places]


@given(pairs_of_one_client)
@settings(max_examples=100, deadline=None)
def test_a_batch_holds_the_pairs_in_their_order(pairs):
    batch = batch_of(pad([j for j, _ in pairs]), pad([k for _, k in pairs]))
    assert pairs_in(batch) == pairs


@given(pairs_of_one_client)
@settings(max_examples=100, deadline=None)
def test_a_batch_holds_every_item_once(pairs):
    batch = batch_of(pad([j for j, _ in pairs]), pad([k for _, k in pairs]))
    present = np.asarray(batch.present)
    items = np.asarray(batch.items)[present].tolist()
    assert sorted(items) == sorted({item for pair in pairs for item in pair})
    assert np.all(np.asarray(batch.items)[~present] == 0)
    assert present[np.asarray(batch.negative)[np.asarray(batch.pair)]].all()


def test_a_negative_drawn_twice_is_one_position_for_both_pairs():
    batch = batch_of(pad([3, 1, 8]), pad([5, 2, 5]))
    first, second, third = np.asarray(batch.negative)[:3]
    assert first == third != second
    assert np.sum(batch.present) == 5

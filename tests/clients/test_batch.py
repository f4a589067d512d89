"""The distinct items over which a client's pairs run."""

import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.models.batch import Batch, make_batch
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
@settings(max_examples=100)
def test_a_batch_holds_the_pairs_in_their_order_and_every_item_once(pairs):
    batch = batch_of(pad([j for j, _ in pairs]), pad([k for _, k in pairs]))
    assert pairs_in(batch) == pairs
    np.testing.assert_array_equal(batch.trained, batch.present)
    present = np.asarray(batch.present)
    items = np.asarray(batch.items)[present].tolist()
    assert sorted(items) == sorted({item for pair in pairs for item in pair})
    assert np.all(np.asarray(batch.items)[~present] == 0)
    assert present[np.asarray(batch.negative)[np.asarray(batch.pair)]].all()


# --- pseudo items ---

pseudo_items = st.lists(st.integers(0, NUM_ITEMS - 1), min_size=5, max_size=5)


@given(pairs_of_one_client, pseudo_items)
@settings(max_examples=100)
def test_pseudo_items_stand_behind_the_pairs_each_once(pairs, pseudo):
    pseudo = [item for item in pseudo if item not in {j for j, _ in pairs}]
    pseudo += [NUM_ITEMS] * (5 - len(pseudo))  # an item that no pair has
    columns = pad([j for j, _ in pairs]), pad([k for _, k in pairs])
    plain, batch = batch_of(*columns), batch_of(*columns, np.array(pseudo, np.int32))
    assert batch.num_paired == 2 * WIDTH
    for name in ("items", "present"):
        values = np.asarray(getattr(batch, name))
        np.testing.assert_array_equal(values[: 2 * WIDTH], getattr(plain, name))
        np.testing.assert_array_equal(
            values[2 * WIDTH :][~np.asarray(batch.present)[2 * WIDTH :]], 0
        )
    np.testing.assert_array_equal(batch.negative, plain.negative)
    np.testing.assert_array_equal(batch.pair, plain.pair)
    added = np.asarray(batch.items)[2 * WIDTH :][np.asarray(batch.present)[2 * WIDTH :]]
    assert sorted(added.tolist()) == sorted({*pseudo} - {k for _, k in pairs})


def test_pseudo_items_are_present_but_not_trained():
    batch = batch_of(pad([3, 1]), pad([5, 2]), np.array([7, 5, 7], np.int32))
    present, trained = np.asarray(batch.present), np.asarray(batch.trained)
    items = np.asarray(batch.items)
    assert sorted(items[trained].tolist()) == [1, 2, 3, 5]
    assert items[present & ~trained].tolist() == [7]

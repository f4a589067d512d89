"""Candidates of the test item's own popularity third."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.evaluation.candidates import (
    NO_GROUP,
    count_within_third,
    draw_within_third,
    item_degree_groups,
    user_degree_groups,
)
from jaxfr.sampling import PADDING_ITEM, ItemLists
from tests.evaluation.test_evaluate import (
    NUM_ITEMS,
    NUM_USERS,
    WITHOUT_TEST_ITEM,
    dataset,
    known_items,
    training_items,
    within_third,
)

COUNT = 7
THIRDS = item_degree_groups(dataset().item_degree)
OWN_THIRD = user_degree_groups(dataset())

draw = jax.jit(draw_within_third, static_argnums=5)


def drawn(seed: int = 0, users: slice = slice(None)) -> np.ndarray:
    lists, ids = known_items(), jnp.arange(NUM_USERS)[users]
    start = lists.start[ids[0] : ids[-1] + 2]
    # Behind the last list there may be filling.
    own = ItemLists(jnp.append(lists.items[start[0] :], 0), start - start[0])
    args = jnp.asarray(THIRDS), jnp.asarray(OWN_THIRD)[users]
    return np.asarray(draw(jax.random.key(seed), ids, own, *args, COUNT))


def left(user: int) -> np.ndarray:
    """Items of the test item's third that the user never had."""
    known = [*training_items(user), dataset().test_items[user]]
    of_third = np.flatnonzero(OWN_THIRD[user] == THIRDS)
    return np.setdiff1d(of_third, known)


def test_they_are_distinct_items_of_the_third_that_the_user_never_had():
    for user, items in enumerate(drawn()):
        real = items[items != PADDING_ITEM]
        assert len(np.unique(real)) == len(real) == min(COUNT, left(user).size)
        assert np.isin(real, left(user)).all()
    assert {NO_GROUP, 0, 1, 2} == set(OWN_THIRD.tolist())


def test_where_there_are_fewer_all_of_them_are_taken():
    sizes = [left(user).size for user in range(NUM_USERS)]
    assert min(size for size in sizes if size) < COUNT < max(sizes)
    for user, items in enumerate(within_third(NUM_ITEMS)):
        real = items[items != PADDING_ITEM]
        np.testing.assert_array_equal(np.sort(real), left(user))


def test_a_user_without_a_test_item_has_none():
    assert np.all(drawn()[WITHOUT_TEST_ITEM] == PADDING_ITEM)


def test_a_user_s_candidates_go_by_its_number_and_not_by_the_other_users():
    part = slice(11, 23)
    np.testing.assert_array_equal(drawn(users=part), drawn()[part])


def test_all_items_of_the_third_are_equally_likely():
    draws = np.stack([drawn(seed) for seed in range(400)])
    user = int(np.argmax([left(user).size for user in range(NUM_USERS)]))
    items, counts = np.unique(draws[:, user], return_counts=True)
    np.testing.assert_array_equal(items, left(user))
    share = COUNT / left(user).size
    deviation = np.sqrt(400 * share * (1 - share))
    assert np.all(np.abs(counts - 400 * share) < 4.5 * deviation)


def test_their_number_is_known_from_the_data():
    expected = np.sum(drawn() != PADDING_ITEM, axis=1)
    np.testing.assert_array_equal(count_within_third(dataset(), COUNT), expected)

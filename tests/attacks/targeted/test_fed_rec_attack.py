"""FedRecAttack, piece by piece in NumPy, and what its clients upload together."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import fed_rec_attack
from jaxfr.attacks.targeted.fed_rec_attack import (
    draw_negatives,
    lifting_gradient,
    share_out,
    user_gradient,
)
from jaxfr.sampling import PADDING_ITEM
from jaxfr.uploads import item_sums, row_counts
from tests.attacks.known import knowledge_of, view_of

DIM, ITEMS, USERS = 3, 30, 6
TARGETS = [4, 11]
# Of each benign client; one has a target, one has only one item, one none.
PUBLIC = np.array(
    [[1, 2], [4, 9], [29, 0], [PADDING_ITEM, 7], [PADDING_ITEM] * 2, [5, 6]]
)


def sigmoid(score: float) -> float:
    return 1 / (1 + np.exp(-score))


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of users and items."""
    random = np.random.default_rng(seed)
    users, items = random.normal(size=(USERS, DIM)), random.normal(size=(ITEMS, DIM))
    return users.astype(np.float32), items.astype(np.float32)


def test_negatives_are_all_items_but_the_public_ones_equally_often():
    count = np.zeros((USERS, ITEMS))
    draw = jax.jit(jax.vmap(lambda key: draw_negatives(key, jnp.array(PUBLIC), ITEMS)))
    found = np.asarray(draw(jax.random.split(jax.random.key(0), 5000)))
    for user in range(USERS):
        np.add.at(count[user], found[:, user].reshape(-1), 1)
        public = [item for item in PUBLIC[user] if item != PADDING_ITEM]
        others = np.delete(count[user], public)
        assert not count[user, public].any()
        # Five standard deviations of a count with mean 10,000 / 28.
        np.testing.assert_allclose(others, 10_000 / others.size, atol=5 * 19)


def test_users_learn_from_bpr_on_their_public_items():
    users, items = drawn(1)
    negatives = np.array([[3, 3], [8, 20], [1, 2], [5, 6], [7, 8], [0, 1]])
    for user, public, against in zip(users, PUBLIC, negatives, strict=True):
        expected = np.zeros(DIM)
        for positive, negative in zip(public, against, strict=True):
            if positive != PADDING_ITEM:
                ahead = items[positive].astype(np.float64) - items[negative]
                expected -= sigmoid(-ahead @ user) * ahead
        found = user_gradient(*map(jnp.asarray, (user, public, against, items)))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def loss_gradient(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """By the definition: list, rivals from its end, one for each target wanted."""
    total = np.zeros(items.shape)
    for user, public in zip(users.astype(np.float64), PUBLIC, strict=True):
        scores = items @ user
        order = [j for j in np.argsort(-scores) if j not in public and j not in TARGETS]
        ranked = order[:10]
        for target in TARGETS:
            if target in public:
                continue
            rival = ranked.pop()
            behind = scores[rival] - scores[target]
            slope = 1.0 if behind >= 0 else np.exp(behind)
            total[rival] += slope * user
            total[target] -= slope * user
    return total


@pytest.mark.parametrize("raised", [0.0, 5.0])
def test_targets_are_lifted_over_the_last_items_of_each_list(raised):
    users, items = drawn(2)
    # Some users have a target ahead of its rival already.
    items[TARGETS] += raised * users[0]
    arguments = users, PUBLIC, np.array(TARGETS), items
    found = lifting_gradient(*map(jnp.asarray, arguments))
    np.testing.assert_allclose(found, loss_gradient(users, items), rtol=1e-4, atol=1e-5)


def test_what_one_client_cannot_send_is_left_to_the_next():
    rows = np.array([[3.0, 4.0], [0.0, 0.5], [6.0, 8.0], [0.0, 0.0]], np.float32)
    acting = np.array([True, False, True, True])
    sends = np.array([[1, 1, 1, 1], [0, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], bool)
    view = view_of(np.zeros((4, 2)), acting)
    uploads = share_out(
        jnp.asarray(rows), jnp.asarray(sends & acting), jnp.float32(2), view
    )
    (table,) = uploads.tables
    assert table.senders is not None
    np.testing.assert_array_equal(row_counts(uploads), [3, 2, 2, 3])
    # Each client sends an item once, and what is left runs down from client to client.
    np.testing.assert_array_equal(np.sum(table.senders, axis=1), sends & acting)
    np.testing.assert_array_equal(np.sum(table.senders, axis=2), table.weight)
    for item, row in enumerate(rows.astype(np.float64)):
        left = row
        for client in np.flatnonzero(sends[item] & acting):
            kind = int(np.argmax(table.senders[item, :, client]))
            length = np.linalg.norm(left)
            expected = left if length <= 2 else 2 * left / length
            np.testing.assert_allclose(table.rows[item, kind], expected, atol=1e-6)
            left = left - expected
        sent = np.asarray(item_sums(uploads))[item]
        np.testing.assert_allclose(sent, row - left, atol=1e-5)


def test_clients_send_the_targets_and_fillers_that_they_drew_at_first():
    attack = fed_rec_attack(rows=5, bound=0.5).make()
    knowledge = knowledge_of(range(ITEMS), 3, DIM, [2] * USERS, targets=TARGETS)
    knowledge = knowledge._replace(public_items=jnp.asarray(PUBLIC))
    state = attack.init(jax.random.key(1), knowledge)
    acting = np.array([True, False, True])
    sets = []
    for number in range(3):
        _, items = drawn(number)
        nobody = number == 0
        view = view_of(items, acting & (not nobody), number)
        uploads, state = attack.upload(state, view)
        senders = np.any(np.asarray(uploads.tables[0].senders), axis=1)
        sets.append(senders)
        assert senders.any() == (not nobody)
        norms = np.linalg.norm(uploads.tables[0].rows, axis=-1)
        assert norms[uploads.tables[0].weight > 0].max(initial=0) <= 0.5 + 1e-5
    np.testing.assert_array_equal(sets[1], sets[2])
    np.testing.assert_array_equal(sets[1].sum(axis=0), [5, 0, 5])
    assert sets[1][TARGETS][:, acting].all()


def test_users_who_learned_are_in_the_state_and_send_the_gradient_of_their_lists():
    attack = fed_rec_attack(bound=1e6, rows=ITEMS + 2, rate=0.1).make()
    knowledge = knowledge_of(range(ITEMS), 1, DIM, [2] * USERS, targets=TARGETS)
    knowledge = knowledge._replace(public_items=jnp.asarray(PUBLIC))
    state = attack.init(jax.random.key(1), knowledge)
    _, items = drawn(3)
    uploads, after = attack.upload(state, view_of(items, np.array([True])))
    expected = loss_gradient(np.asarray(after.users), items)
    np.testing.assert_allclose(item_sums(uploads), expected, rtol=1e-3, atol=1e-5)
    moved = np.abs(np.asarray(after.users) - np.asarray(state.users)).max(axis=1)
    # Adam's first steps are of about its rate; who has no public item learns nothing.
    learns = (PUBLIC != PADDING_ITEM).any(axis=1)
    assert (moved[learns] > 0.1).all()
    assert not moved[~learns].any()

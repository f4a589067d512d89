"""The clean run."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.attacks import none
from jaxfr.uploads import row_counts
from tests.attacks.known import knowledge_of, view_of

NUM_ITEMS, CLIENTS = 4, 3
KNOWLEDGE = knowledge_of(range(NUM_ITEMS), CLIENTS)


def test_no_attack_uploads_nothing_and_poisons_nothing():
    attack = none().make()
    state = attack.init(jax.random.key(0), KNOWLEDGE)
    view = view_of(jnp.ones((NUM_ITEMS, 2)), jnp.ones(CLIENTS, bool))
    uploads, state = attack.upload(state, view)
    np.testing.assert_array_equal(row_counts(uploads), np.zeros(NUM_ITEMS))
    assert uploads.item.size == 0
    assert all(table.rows.size == 0 for table in uploads.tables)
    assert uploads.participants == 0
    poisoned = attack.poisoned_items(state, KNOWLEDGE)
    assert poisoned.shape == (CLIENTS, NUM_ITEMS)
    assert not poisoned.any()
    assert attack.uploaded_noise(state) is None

"""The clean run."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.attacks import Knowledge, RoundView, no_attack
from jaxfr.uploads import row_counts

NUM_ITEMS, CLIENTS = 4, 3
KNOWLEDGE = Knowledge(
    item_popularity=jnp.arange(NUM_ITEMS, dtype=jnp.int32),
    max_poisoned_items=jnp.int32(2),
    noise_scale=jnp.float32(1.0),
    malicious_clients=CLIENTS,
    embedding_dim=2,
    client_activity=jnp.array([1, 2], jnp.int32),
)


def test_no_attack_uploads_nothing_and_poisons_nothing():
    attack = no_attack()
    state = attack.init(jax.random.key(0), KNOWLEDGE)
    view = RoundView(jnp.int32(0), jnp.ones((NUM_ITEMS, 2)), jnp.ones(CLIENTS, bool))
    uploads, state = attack.upload(state, view)
    np.testing.assert_array_equal(row_counts(uploads), np.zeros(NUM_ITEMS))
    assert uploads.item.size == 0
    assert all(table.rows.size == 0 for table in uploads.tables)
    assert uploads.participants == 0
    poisoned = attack.poisoned_items(state, KNOWLEDGE)
    assert poisoned.shape == (CLIENTS, NUM_ITEMS)
    assert not poisoned.any()
    assert attack.uploaded_noise(state) is None

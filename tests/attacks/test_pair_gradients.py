"""What the attacks that upload gradients of a fake profile's pairs have in common."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import ATTACKS
from jaxfr.attacks.fake_profiles import FakeProfile
from jaxfr.devices import WHOLE, spread
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.models import MODELS
from tests.attacks.fake_users import (
    EVERYONE,
    KNOWLEDGE,
    NUM_ITEMS,
    ROUNDS,
    TASK,
    attack_named,
    drawn,
    items_of_round,
    send,
)
from tests.attacks.known import view_of
from tests.attacks.scopes import every_scope

every_attack = pytest.mark.parametrize("name", ["label_flip", "fed_attack"])


@every_attack
def test_who_does_not_act_learns_nothing_and_profiles_stay(name):
    before, acting = drawn(name), ROUNDS[1]
    after = send(name, "dense", before, items_of_round(0), acting).state
    np.testing.assert_array_equal(after.embedding[~acting], before.embedding[~acting])
    assert np.all(np.asarray(after.embedding != before.embedding)[acting])
    np.testing.assert_array_equal(after.holds, before.holds)
    np.testing.assert_array_equal(after.negative, before.negative)


@pytest.mark.parametrize("model", MODELS)
@every_attack
def test_a_model_without_gradients_by_pairs_is_refused(name, model):
    chosen = {"attack": ATTACKS[name](), "model": MODELS[model]()}
    if model == "fedmf":
        assert Experiment(**chosen).works_by_pairs
    else:
        told = f"^attack={name}: needs a model that has pair_gradients.*{model} has"
        with pytest.raises(InvalidInputError, match=told):
            Experiment(**chosen)


@every_scope
@every_attack
def test_without_malicious_clients_nothing_is_sent(name, scope):
    attack = attack_named(name, scope)
    nobody = KNOWLEDGE._replace(malicious_clients=0)
    state = attack.init(jax.random.key(0), nobody)
    view = view_of(jnp.ones((NUM_ITEMS, 3)), jnp.zeros(0, bool))
    uploads, _ = attack.upload(state, view)
    assert uploads.tables[0].rows.shape == (NUM_ITEMS, 0, 3)
    assert uploads.participants == 0


@pytest.mark.parametrize("devices", [2, 3])
@every_attack
def test_devices_share_the_clients(name, devices):
    attack, state = attack_named(name), drawn(name)
    items = jnp.asarray(items_of_round(0))

    def upload(state: FakeProfile, items: jax.Array):
        return attack.upload(state, view_of(items, EVERYONE, task=TASK))

    alone = jax.jit(upload)(state, items)
    shared = jax.jit(spread(upload, devices, (WHOLE, WHOLE), WHOLE))(state, items)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7),
        jax.tree.leaves(alone),
        jax.tree.leaves(shared),
    )

"""An attacker is shown what its kind may see, and nothing more."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import LimitedAttack, OmniscientAttack, WhiteBoxAttack
from jaxfr.attacks.base import malicious_uploads
from jaxfr.uploads import item_table, row_counts
from tests.attacks.known import knowledge_of, view_of

VIEW = view_of(jnp.ones((2, 1)), jnp.ones(1, bool), 3)
BENIGN = item_table(
    jnp.ones((2, 1, 1)), jnp.ones((2, 1), jnp.int32), VIEW.item_embeddings, jnp.int32(1)
)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (LimitedAttack, ("state", VIEW)),
        (OmniscientAttack, ("state", VIEW, BENIGN)),
        (WhiteBoxAttack, ("state", VIEW, BENIGN, row_counts)),
    ],
)
def test_an_attack_is_shown_what_its_kind_may_see(kind, shown):
    def upload(*arguments):
        seen.extend(arguments)
        return BENIGN, "next state"

    seen = []
    attack = kind(init=None, upload=upload, poisoned_items=None, uploaded_noise=None)
    uploads, state = malicious_uploads(attack, "state", VIEW, BENIGN, row_counts)
    assert len(seen) == len(shown)
    assert all(found is expected for found, expected in zip(seen, shown, strict=True))
    assert uploads is BENIGN
    assert state == "next state"
    np.testing.assert_array_equal(uploads.tables[0].weight, 1)


@pytest.mark.parametrize("kind", [LimitedAttack, OmniscientAttack, WhiteBoxAttack])
def test_an_attack_that_does_not_say_poisons_all_items_and_has_no_noise(kind):
    attack = kind(init=None, upload=None)
    poisoned = attack.poisoned_items("state", knowledge_of([3, 1, 0], clients=2))
    np.testing.assert_array_equal(poisoned, np.ones((2, 3), bool))
    assert attack.uploaded_noise("state") is None
    assert attack.needs == ()

"""Public items are the clients' own, as many as are asked for, on any devices."""

import jax
import numpy as np
import pytest

import jaxfr as fr
from jaxfr.devices import WHOLE, placement, spread
from jaxfr.sampling import PADDING_ITEM
from jaxfr.training.layout import plan_layout
from jaxfr.training.public_items import draw_public_items

DATA = fr.synthetic_dataset(num_users=23, num_items=40, num_pairs=150, seed=3)


def public_items(count: int, devices: int = 1, seed: int = 0) -> np.ndarray:
    layout = plan_layout(DATA, devices)

    def draw(key, layout):
        return draw_public_items(key, layout, count)

    run = spread(draw, devices, (WHOLE, placement(layout)), WHOLE)
    return np.asarray(jax.jit(run)(jax.random.key(seed), layout))


@pytest.mark.parametrize("count", [0, 1, 3, 60])
def test_a_client_shows_that_many_of_its_training_items_or_all(count):
    found = public_items(count)
    assert found.shape == (DATA.num_users, count)
    for user in range(DATA.num_users):
        own = set(DATA.train_items[DATA.train_users == user].tolist())
        shown = [item for item in found[user].tolist() if item != PADDING_ITEM]
        assert len(set(shown)) == len(shown) == min(count, len(own))
        assert set(shown) <= own


def test_devices_draw_what_one_draws_and_seeds_differ():
    alone = public_items(2)
    np.testing.assert_array_equal(public_items(2, devices=2), alone)
    assert (public_items(2, seed=1) != alone).any()

"""Target items: how they are written, and how they are drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import item_degree_groups
from jaxfr.evaluation.targets import (
    COLD,
    POPULAR,
    check_targets,
    draw_targets,
    parse_targets,
    write_targets,
)
from tests.evaluation.test_evaluate import NUM_ITEMS, dataset

THIRDS = item_degree_groups(dataset().item_degree)
draw = jax.jit(draw_targets)


def drawn(targets: tuple[int, ...], seed: int = 0) -> np.ndarray:
    key, wanted = jax.random.key(seed), jnp.array(targets, jnp.int32)
    return np.asarray(draw(key, wanted, jnp.asarray(THIRDS)))


@pytest.mark.parametrize(
    ("text", "targets", "written"),
    [
        ("cold:2", (COLD, COLD), "cold:2"),
        ("3", (COLD, COLD, COLD), "cold:3"),
        ("popular:1", (POPULAR,), "popular:1"),
        ("items:3,17,0", (3, 17, 0), "items:3,17,0"),
    ],
)
def test_targets_are_counted_or_named_and_written_in_one_form(text, targets, written):
    assert parse_targets(text) == targets
    assert write_targets(targets) == written
    assert parse_targets(written) == targets


@pytest.mark.parametrize(
    "text",
    ["", "0", "cold:0", "1001", "-3", "warm:5", "cold:", "items:", "items:3,3", "3,17"],
)
def test_anything_else_is_refused(text):
    with pytest.raises(InvalidInputError, match=r"^targets="):
        parse_targets(text)


@pytest.mark.parametrize(("kind", "third"), [(COLD, 2), (POPULAR, 0)])
def test_the_seed_draws_distinct_items_of_a_third(kind, third):
    of_third = np.flatnonzero(third == THIRDS)
    for seed in range(5):
        items = drawn((kind,) * 4, seed)
        assert len(np.unique(items)) == 4
        assert np.isin(items, of_third).all()
    np.testing.assert_array_equal(np.sort(drawn((kind,) * of_third.size)), of_third)
    draws = {tuple(sorted(drawn((kind,) * 2, seed).tolist())) for seed in range(9)}
    assert len(draws) > 1


def test_given_items_are_taken_as_they_are():
    np.testing.assert_array_equal(drawn((7, 0, 39)), [7, 0, 39])
    assert drawn(()).shape == (0,)


def test_targets_that_the_data_lack_are_refused():
    head = int(np.sum(THIRDS == 0))
    check_targets(dataset(), (POPULAR,) * head)
    check_targets(dataset(), (NUM_ITEMS - 1,))
    with pytest.raises(InvalidInputError, match=f"small has {head} items in its head"):
        check_targets(dataset(), (POPULAR,) * (head + 1))
    with pytest.raises(InvalidInputError, match=r"targets=items:40: small has items 0"):
        check_targets(dataset(), (40,))

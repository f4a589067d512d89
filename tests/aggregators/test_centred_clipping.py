"""Centred clipping over several rounds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import ServerKnowledge, ServerView, centred_clipping
from jaxfr.uploads import Uploads

from .oracles import CLIP_NORM, assert_right, loop_centred
from .samples import DIM, NUM_ITEMS, factored_uploads, grouped, rows_of_one_item

FORMS = {
    "received": centred_clipping(CLIP_NORM).make(),
    "all": centred_clipping(CLIP_NORM, "all").make(),
}
every_form = pytest.mark.parametrize("form", FORMS)


@jax.jit
def one_round(uploads: Uploads, anchors: dict[str, jax.Array]):
    view = ServerView(jnp.int32(1), jnp.int32(0), jnp.zeros((NUM_ITEMS, DIM)), 0)
    return {
        form: rule.update(anchors[form], uploads, view) for form, rule in FORMS.items()
    }


def after_rounds(form: str, rounds: list[Uploads]) -> list[np.ndarray]:
    """What the rule makes of each round."""
    knowledge = ServerKnowledge(0, NUM_ITEMS, DIM)
    anchors = {name: rule.init(knowledge) for name, rule in FORMS.items()}
    found = []
    for uploads in rounds:
        after = one_round(uploads, anchors)
        anchors = {name: anchor for name, (_, anchor) in after.items()}
        found.append(np.asarray(after[form][0]))
    return found


@every_form
def test_rows_are_clipped_around_what_the_rule_made_of_the_round_before(form):
    rounds = [
        grouped(factored_uploads([9, 5, 12, 3], seed, max_weight=3))
        for seed in range(3)
    ]
    anchor = np.zeros((NUM_ITEMS, DIM))
    for uploads, found in zip(rounds, after_rounds(form, rounds), strict=True):
        for item in range(NUM_ITEMS):
            # Of this item alone, as each has an anchor of its own.
            only = uploads._replace(
                weight=jnp.where(uploads.item == item, uploads.weight, 0)
            )
            oracle = loop_centred(anchor[item], of_all=form == "all")
            alone = np.where(np.arange(NUM_ITEMS)[:, None] == item, found, 0)
            assert_right(alone, oracle, only, 0)
        anchor = found
    assert np.abs(anchor).max() > 0.1


@every_form
def test_an_item_keeps_its_anchor_while_it_receives_nothing(form):
    seen = rows_of_one_item([[1.0, 0.0, 0.5]] * 3)
    nothing = seen._replace(weight=jnp.zeros_like(seen.weight))
    first, silent, third = after_rounds(form, [seen, nothing, seen])
    np.testing.assert_array_equal(silent, 0)
    np.testing.assert_array_equal(third[0], after_rounds(form, [seen, seen])[1][0])
    np.testing.assert_allclose(first[0], [1.0, 0.0, 0.5])


def test_absent_clients_leave_the_anchor_where_it_was():
    """Of four clients one sends a row a unit away from the anchor."""
    all_send = rows_of_one_item([[1.0, 0.0, 0.0]] * 4)
    one_sends = rows_of_one_item([[1.0, 1.0, 0.0]])._replace(participants=jnp.int32(4))
    rounds = [all_send, one_sends]
    np.testing.assert_allclose(after_rounds("all", rounds)[1][0], [1, 0.25, 0])
    np.testing.assert_allclose(after_rounds("received", rounds)[1][0], [1, 1, 0])


def test_no_row_moves_an_aggregate_by_more_than_its_share_of_the_radius():
    honest = [[1.0, 0.0, 0.0]] * 4
    quiet = rows_of_one_item([*honest, [1.0, 0.0, 0.0]])
    for size in (1e3, 1e20, 3e38):
        loud = rows_of_one_item([*honest, [0.0, size, 0.0]])
        _, found = after_rounds("received", [quiet, loud])
        moved = np.linalg.norm(found[0] - [1, 0, 0])
        assert moved <= CLIP_NORM / 5 * (1 + 1e-5)

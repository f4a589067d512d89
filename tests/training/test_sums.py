"""Rounds in which sums are enough, against those that make every client's rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr import blocks
from jaxfr.aggregators import Rule, mean
from jaxfr.experiment import Experiment
from jaxfr.models import Model, fedgnn, fedmf, mlp
from jaxfr.parts import Part, part
from jaxfr.training.round import train_round
from tests.training.problem import (
    DIM,
    EXPERIMENT,
    NUM_ITEMS,
    changed,
    compiled_start,
    configured,
    drawn_values,
    one_round,
    small_layout,
)

EVERYONE = changed(EXPERIMENT, learning_rate=0.1, participation=1.0)
SOME = changed(EVERYONE, participation=0.6)


@part
def mean_of_rows() -> Rule:
    """The mean, which says that it reads single rows."""
    return mean().make()._replace(needs_rows=True)


@part
def whole_fedmf() -> Model:
    """Matrix factorisation, each client as a whole."""
    return fedmf(DIM).make()._replace(pair_gradients=None)


MODELS = [fedgnn(DIM), fedgnn(DIM, 2), mlp(DIM), whole_fedmf()]


def in_both_forms(
    base: Experiment, attack: str, model: Part[Model], broken: bool = False
):
    """What a round comes to in sums, and row by row."""
    in_sums = changed(base, attack=attack, aggregator="mean", model=model)
    by_rows = changed(in_sums, aggregator=mean_of_rows())
    assert in_sums.sums_suffice
    assert not by_rows.sums_suffice
    layout = small_layout(with_neighbours=True)
    given = drawn_values()
    setup, state = compiled_start(in_sums, layout, jax.random.key(1), given)
    if broken:
        items = state.items.values.at[0].set(jnp.inf)
        state = state._replace(items=state.items._replace(values=items))
    both = []
    for experiment in (in_sums, by_rows):
        # Traced anew, as the size of a block is no argument.
        run = jax.jit(lambda *given: train_round(*given))
        both.append(run(experiment, layout, setup, state, jnp.int32(0)))
    return both


def assert_same_round(found, expected) -> None:
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, 2e-5, 2e-6),
        found,
        expected,
    )


@pytest.mark.parametrize("model", MODELS, ids=["fedgnn", "neighbours", "mlp", "fedmf"])
@pytest.mark.parametrize(
    ("base", "attack"),
    [(EVERYONE, "none"), (SOME, "spattack_o_d"), (SOME, "spattack_l_s")],
)
def test_a_round_in_sums_is_the_round_of_all_rows(base, attack, model):
    assert_same_round(*in_both_forms(base, attack, model))


def test_so_it_is_in_blocks_of_a_few_clients(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_NUMBERS", 3 * 14 * DIM)
    assert_same_round(*in_both_forms(SOME, "spattack_l_d", mlp(DIM)))


@pytest.mark.parametrize("model", [fedgnn(DIM), mlp(DIM)], ids=["fedgnn", "mlp"])
def test_rows_that_are_not_finite_are_left_out_of_sums_and_counted(model):
    found, expected = in_both_forms(EVERYONE, "none", model, broken=True)
    assert found[1].dropped > 0
    assert_same_round(found, expected)
    others = np.arange(NUM_ITEMS) != 0
    assert np.all(np.isfinite(found[0].item_embeddings[others]))


@pytest.mark.parametrize(
    ("attack", "aggregator", "suffice"),
    [
        ("none", "mean", True),
        ("spattack_o_s", "mean", True),
        ("spattack_l_d", "mean", True),
        ("gaussian", "mean", False),
        ("none", "norm", False),
        ("none", "clip_by_norm+mean", False),
        ("spattack_o_d", "median", False),
    ],
)
def test_sums_suffice_where_neither_server_nor_attackers_look_at_rows(
    attack, aggregator, suffice
):
    assert configured(attack, aggregator).sums_suffice == suffice


def test_private_uploads_keep_their_privacy():
    private = changed(EVERYONE, model=fedgnn(DIM), attack="none", privacy_clip=1e-6)
    layout = small_layout()
    setup, state = compiled_start(private, layout, jax.random.key(1), drawn_values())
    after, _ = one_round(private, layout, setup, state, jnp.int32(0))
    moved = np.abs(after.item_embeddings - state.item_embeddings)
    rounding = 2e-7
    assert np.max(moved) <= 0.1 * 1e-6 + rounding

"""A configuration compiled once."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.training import Hyperparameters, programs
from jaxfr.training.programs import compile_programs, keys_of
from tests.training.problem import CONFIGURATION, small_layout

NUMBERS = Hyperparameters()


@pytest.mark.parametrize(
    ("pairs", "rounds", "stretch"),
    [(10**9, 100, 8), (10**9, 5, 5), (150, 100, 2), (1, 100, 1)],
)
def test_a_call_has_room_for_so_many_rounds_as_keep_it_short(
    monkeypatch, pairs, rounds, stretch
):
    monkeypatch.setattr(programs, "PAIRS_PER_CALL", pairs)
    monkeypatch.setattr(programs, "MOST_ROUNDS_PER_CALL", rounds)
    size = small_layout().train_items.size
    assert size < 75
    # Seven rounds, and the one before them that evaluates the untrained state.
    assert stretch == min(8, max(1, pairs // size), rounds)
    compiled = compile_programs(CONFIGURATION, NUMBERS, small_layout(), rounds=7)
    assert compiled.stretch == stretch


def test_one_program_serves_all_seeds_and_numbers():
    compiled = compile_programs(CONFIGURATION, NUMBERS, small_layout(), 3, runs=2)
    assert compiled.seconds > 0
    for rate in (0.1, 0.2):
        numbers = jax.tree.map(lambda value: jax.numpy.asarray([value] * 2), NUMBERS)
        numbers = numbers._replace(learning_rate=jax.numpy.full(2, rate))
        setup, state = compiled.start(
            numbers, compiled.layout, keys_of([3, 4]), compiled.given
        )
        assert state.item_embeddings.shape[0] == 2
        assert np.any(state.item_embeddings[0] != state.item_embeddings[1])
        assert setup.candidates.shape[0] == 2


def test_keys_are_those_of_the_seeds():
    for seed, key in zip((5, 0), keys_of([5, 0]), strict=True):
        assert key == jax.random.key(seed)


def test_seeds_that_would_be_another_s_are_refused():
    with pytest.raises(InvalidInputError, match=r"^seed=4294967296: must be"):
        keys_of([0, 2**32])


def test_settings_are_looked_at_before_anything_is_compiled():
    attacked = dataclasses.replace(CONFIGURATION, attack="spattack_o_d")
    with pytest.raises(InvalidInputError, match=r"^malicious_clients=0: "):
        compile_programs(attacked, NUMBERS, small_layout(), rounds=3)

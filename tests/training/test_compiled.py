"""An experiment compiled once."""

import jax
import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.training.compiled import compile_programs, keys_of
from jaxfr.training.many import stack_runs
from tests.training.problem import EXPERIMENT, changed, small_layout


@pytest.mark.parametrize(
    ("pairs", "rounds", "most"),
    [(10**9, 100, 8), (10**9, 5, 5), (150, 100, 2), (1, 100, 1)],
)
def test_a_call_has_room_for_so_many_rounds_as_keep_it_short(
    monkeypatch, pairs, rounds, most
):
    monkeypatch.setattr("jaxfr.training.compiled.PAIRS_PER_CALL", pairs)
    monkeypatch.setattr("jaxfr.training.compiled.MOST_ROUNDS_PER_CALL", rounds)
    size = small_layout().train_items.size
    assert size < 75
    # Seven rounds, and the one before them that evaluates the untrained state.
    assert most == min(8, max(1, pairs // size), rounds)
    compiled = compile_programs(EXPERIMENT, small_layout(), rounds=7)
    assert compiled.rounds_per_call == most


def test_one_program_serves_all_seeds_and_numbers():
    compiled = compile_programs(EXPERIMENT, small_layout(), 3, runs=2)
    assert compiled.seconds > 0
    for rate in (0.1, 0.2):
        experiments = stack_runs([changed(EXPERIMENT, learning_rate=rate)] * 2)
        setup, state = compiled.start(experiments, keys_of([3, 4]))
        assert state.item_embeddings.shape[0] == 2
        assert np.any(state.item_embeddings[0] != state.item_embeddings[1])
        assert setup.candidates.shape[0] == 2


def test_keys_are_those_of_the_seeds():
    for seed, key in zip((5, 0), keys_of([5, 0]), strict=True):
        assert key == jax.random.key(seed)


def test_seeds_that_would_be_another_s_are_refused():
    with pytest.raises(InvalidInputError, match=r"^seed=4294967296: must be"):
        keys_of([0, 2**32])


def test_an_experiment_is_looked_at_before_anything_is_compiled():
    nobody = changed(EXPERIMENT, attack="spattack_o_d", malicious_clients=0)
    with pytest.raises(InvalidInputError, match=r"^malicious_clients=0: "):
        compile_programs(nobody, small_layout(), rounds=3)

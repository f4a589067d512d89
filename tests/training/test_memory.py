"""What runs will hold is known before they start."""

import functools

import jax
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.training.compiled import (
    CompiledRuns,
    compile_programs,
    compile_to_fit,
    memory_need,
)
from jaxfr.training.many import stack_runs
from jaxfr.training.memory import held_bytes
from tests.training.problem import configured, small_layout

CLEAN = configured("none", "mean")


@functools.cache
def programs(runs: int, devices: int = 1) -> CompiledRuns:
    return compile_programs(CLEAN, small_layout(), 2, runs=runs, devices=devices)


def test_the_need_covers_the_data_and_what_the_runs_keep():
    compiled = programs(1)
    need = memory_need(compiled)
    leaves = jax.tree.leaves(small_layout())
    assert need.data == sum(leaf.nbytes for leaf in leaves)
    keys = jax.vmap(jax.random.key)(jax.numpy.arange(1))
    kept = compiled.start(stack_runs([CLEAN]), keys)
    arrays = [leaf for leaf in jax.tree.leaves(kept) if leaf.dtype != keys.dtype]
    assert need.runs >= sum(leaf.nbytes for leaf in arrays)
    assert need.working > 0
    assert need.total == need.data + need.runs + need.working


def test_more_runs_at_once_need_more_but_share_the_data():
    one, four = memory_need(programs(1)), memory_need(programs(4))
    assert four.data == one.data
    assert 3 * one.runs < four.runs < 5 * one.runs


def test_every_device_holds_the_data():
    alone, divided = memory_need(programs(2)), memory_need(programs(2, 2))
    assert divided.data == 2 * alone.data
    layout = programs(2, 2).layout
    assert held_bytes(layout.train_items) == 2 * layout.train_items.nbytes


def test_runs_that_do_not_fit_at_once_are_fewer_at_once():
    enough_for_two = memory_need(programs(2)).total
    layout = small_layout()
    compiled = compile_to_fit(CLEAN, layout, 2, runs=4, available=enough_for_two)
    assert compiled.runs == 2


def test_a_run_that_does_not_fit_alone_is_refused_with_the_numbers():
    with pytest.raises(InvalidInputError, match=r"a run needs 0\.00 GB .* 0\.00 GB"):
        compile_to_fit(CLEAN, small_layout(), 2, runs=2, available=10)

"""JAX's own settings, which the environment may set for a whole process."""

import os
from collections.abc import Iterator

import jax
import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.jax_settings import check_jax_settings, find_devices, keep_loops
from jaxfr.sweeps.request import RunRequest, check_alone
from jaxfr.training import check_run, simulate, start
from jaxfr.training.compiled import compile_programs
from jaxfr.training.keys import run_key
from tests.training.problem import EXPERIMENT, configured, small_layout


@pytest.fixture
def change() -> Iterator:
    """Sets settings of JAX until the test ends."""
    before = {}

    def set_one(name: str, value: object) -> None:
        before.setdefault(name, jax.config.values[name])
        jax.config.update(name, value)

    yield set_one
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jax_enable_x64", True),
        ("jax_numpy_dtype_promotion", "strict"),
        ("jax_numpy_rank_promotion", "raise"),
        ("jax_disable_jit", True),
        ("jax_threefry_partitionable", False),
        ("jax_random_seed_offset", 1),
        ("jax_high_dynamic_range_gumbel", True),
        ("jax_debug_nans", True),
        ("jax_debug_infs", True),
    ],
)
def test_a_setting_that_changes_numbers_or_ends_in_errors_is_refused(
    change, name, value
):
    check_jax_settings()
    change(name, value)
    with pytest.raises(InvalidInputError, match=f"^{name.upper()}={value}: .* needs"):
        check_jax_settings()


def test_every_way_into_a_run_looks_at_them(change):
    key, layout = run_key(0), small_layout()
    change("jax_threefry_partitionable", False)
    for begin in (
        lambda: check_alone(RunRequest()),
        lambda: check_run(EXPERIMENT, layout),
        lambda: start(EXPERIMENT, layout, key),
        lambda: simulate(EXPERIMENT, layout, 1, key),
        lambda: compile_programs(EXPERIMENT, layout, 1),
    ):
        with pytest.raises(InvalidInputError, match="JAX_THREEFRY_PARTITIONABLE"):
            begin()


@pytest.mark.parametrize(
    ("flags", "refused"),
    [
        ("", False),
        ("--xla_cpu_enable_fast_math=false --xla_cpu_max_isa=AVX", False),
        ("--xla_cpu_enable_fast_math", True),
        ("--xla_cpu_max_isa=AVX --xla_cpu_enable_fast_math=true", True),
        ("--xla_gpu_enable_fast_min_max=1", True),
    ],
)
def test_arithmetic_that_knows_no_nan_is_refused(monkeypatch, tmp_path, flags, refused):
    (tmp_path / "flags").write_text(flags)  # XLA reads them from files too
    for given in (flags, str(tmp_path / "flags")):
        monkeypatch.setenv("XLA_FLAGS", given)
        if refused:
            with pytest.raises(
                InvalidInputError, match=r"^XLA_FLAGS=--xla_\wpu_enable"
            ):
                check_jax_settings()
        else:
            check_jax_settings()


KEPT = "--xla_backend_extra_options=xla_cpu_disable_loop_unrolling"


@pytest.mark.parametrize(
    ("given", "then"),
    [
        ("", KEPT),
        ("--xla_cpu_max_isa=AVX", f"--xla_cpu_max_isa=AVX {KEPT}"),
        (KEPT, KEPT),
        (
            "--xla_backend_extra_options=xla_other",
            "--xla_backend_extra_options=xla_other",
        ),
        ("a_file", "a_file"),
    ],
)
def test_loops_are_kept_beside_other_flags_and_never_against_them(
    monkeypatch, given, then
):
    monkeypatch.setenv("XLA_FLAGS", given)
    keep_loops()
    assert os.environ["XLA_FLAGS"] == then


def test_what_a_seed_draws_is_the_same_whatever_kind_of_key_is_the_default(change):
    def drawn() -> list:
        setup, state = start(
            configured("spattack_l_s", "mean", malicious_clients=2),
            small_layout(),
            run_key(3),
        )
        arrays = (setup.pairs, setup.candidates, state)
        return [np.asarray(leaf) for leaf in jax.tree.leaves(arrays)]

    usual = drawn()
    change("jax_default_prng_impl", "rbg")
    for one, other in zip(usual, drawn(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("error", [AssertionError(), RuntimeError("no\nsuch backend")])
def test_a_platform_that_is_not_there_is_a_users_mistake(monkeypatch, error):
    def fail() -> None:
        raise error

    monkeypatch.setattr(jax, "devices", fail)
    with pytest.raises(InvalidInputError, match=r"^JAX_PLATFORMS=.*: .*(no|finds no)"):
        find_devices()

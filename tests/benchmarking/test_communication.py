"""What devices send is counted in the program, loops and branches included."""

import jax
import jax.numpy as jnp
import pytest

from jaxfr.benchmarking.communication import sent_bytes
from jaxfr.devices import (
    OWN,
    WHOLE,
    exchange_over_devices,
    gather_over_devices,
    max_over_devices,
    spread,
    sum_over_devices,
)

pytestmark = pytest.mark.skipif("jax.device_count() < 4", reason="takes four devices")


def counted(function, argument: jax.Array, results=WHOLE) -> dict[str, int]:
    program = jax.make_jaxpr(spread(function, 4, (OWN,), results))(argument)
    return sent_bytes(program, 4)


def test_of_a_sum_or_extreme_each_device_sends_its_parts_out_and_back():
    expected = {"sum": 2 * 3 * 20 * 4 // 4, "gather": 0, "exchange": 0, "messages": 1}
    for join in (sum_over_devices, max_over_devices):
        assert counted(join, jnp.zeros((80,))) == expected


def test_what_all_gather_each_device_sends_to_three_others():
    found = counted(gather_over_devices, jnp.zeros((40, 2)))
    assert found == {"sum": 0, "gather": 3 * 10 * 2 * 4, "exchange": 0, "messages": 1}


def test_of_what_is_exchanged_a_device_keeps_its_own_share():
    found = counted(exchange_over_devices, jnp.zeros((32, 5)), OWN)
    assert found == {"sum": 0, "gather": 0, "exchange": 8 * 5 * 3, "messages": 1}


def test_a_loop_counts_as_often_as_it_is_run():
    def ten_sums(part: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, 10, lambda _, x: sum_over_devices(x), part)

    once, often = (
        counted(sum_over_devices, jnp.zeros(8)),
        counted(ten_sums, jnp.zeros(8)),
    )
    assert once["messages"] == 1
    assert often == {name: 10 * value for name, value in once.items()}


def test_on_its_own_a_device_sends_nothing():
    program = jax.make_jaxpr(lambda x: jnp.sum(x * 2))(jnp.zeros(8))
    assert sum(sent_bytes(program, 1).values()) == 0

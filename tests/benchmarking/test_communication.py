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

NOTHING = {"sum": 0, "gather": 0, "exchange": 0, "messages": 0}


def ten_sums(part: jax.Array) -> jax.Array:
    return jax.lax.fori_loop(0, 10, lambda _, x: sum_over_devices(x), part)


@pytest.mark.parametrize(
    ("function", "shape", "results", "expected"),
    [
        # Of a sum or extreme each device sends its parts out and back.
        (sum_over_devices, (80,), WHOLE, {"sum": 2 * 3 * 20 * 4 // 4, "messages": 1}),
        (max_over_devices, (80,), WHOLE, {"sum": 2 * 3 * 20 * 4 // 4, "messages": 1}),
        (ten_sums, (80,), WHOLE, {"sum": 10 * 2 * 3 * 20 * 4 // 4, "messages": 10}),
        # What all gather, each sends to three others.
        (
            gather_over_devices,
            (40, 2),
            WHOLE,
            {"gather": 3 * 10 * 2 * 4, "messages": 1},
        ),
        # Of what is exchanged a device keeps its own share.
        (exchange_over_devices, (32, 5), OWN, {"exchange": 8 * 5 * 3, "messages": 1}),
    ],
)
def test_each_device_sends_what_the_best_algorithm_does(
    function, shape, results, expected
):
    over_devices = spread(function, 4, (OWN,), results)
    program = jax.make_jaxpr(over_devices)(jnp.zeros(shape))
    assert sent_bytes(program, 4) == NOTHING | expected


def test_on_its_own_a_device_sends_nothing():
    program = jax.make_jaxpr(lambda x: jnp.sum(x * 2))(jnp.zeros(8))
    assert sent_bytes(program, 1) == NOTHING

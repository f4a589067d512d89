"""An experiment compiled once, for all its seeds and numbers."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.stages import Compiled

from jaxfr.devices import replicate
from jaxfr.experiment import Experiment
from jaxfr.training.checks import check_run
from jaxfr.training.keys import run_key
from jaxfr.training.layout import Layout
from jaxfr.training.many import stack_runs, start_many, train_many
from jaxfr.training.state import GivenValues

# A call of the compiled program has room for rounds of about so many pairs of each run,
# which the cheapest rule works off in a second or so on a CPU, and for no more rounds
# than these. How much of the room is used, time decides (see ``rounds_of_next_call``);
# what is left costs a microsecond for each round, and more where the state is large.
PAIRS_PER_CALL = 2 * 10**7
MOST_ROUNDS_PER_CALL = 8192


class Programs(NamedTuple):
    """The compiled pieces of a batch of runs, and what they were compiled for.

    Attributes:
        experiment: what is run, of whichever numbers.
        start: draws what a seed decides, see ``start_many``.
        train: runs a stretch of rounds, see ``train_many``.
        layout: the data, where the devices expect it.
        given: values to start from.
        devices: number of devices, on which arguments are expected.
        runs: number of runs at once.
        stretch: rounds that a call has room for.
        seconds: spent compiling.
    """

    experiment: Experiment
    start: Compiled
    train: Compiled
    layout: Layout
    given: GivenValues
    devices: int
    runs: int
    stretch: int
    seconds: float


def compile_programs(
    experiment: Experiment,
    layout: Layout,
    rounds: int,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
    *,
    runs: int = 1,
    devices: int = 1,
    stretch: int | None = None,
) -> Programs:
    """Compiles an experiment once, for all seeds and numbers.

    Args:
        experiment: of any of the runs, from ``Experiment.with_data``; of its numbers
            only the types matter.
        layout: the data, with room for the malicious clients of all runs.
        rounds: rounds of a run.
        given: values to start from.
        devices: number of devices, on which arguments are expected.
        runs: number of runs at once.
        devices: among how many devices they are divided; divides their number. To
            spread each run over devices instead, see ``plan_layout``.
        stretch: rounds that a call of the program has room for; by default so many
            that a call may take a second.

    Raises:
        InvalidInputError: as ``check_run`` and ``start``.
    """
    check_run(experiment, layout, rounds)
    began = time.perf_counter()
    if stretch is None:
        # One more than there are rounds, as round -1 evaluates the untrained state.
        by_pairs = max(1, PAIRS_PER_CALL // layout.train_items.size)
        stretch = min(rounds + 1, by_pairs, MOST_ROUNDS_PER_CALL)
    used = max(devices, layout.num_devices)
    if layout.num_devices == 1:  # otherwise it is where it belongs
        layout = replicate(layout, used)
    given, numbers, keys, round_numbers, number = replicate(
        (
            given,
            stack_runs([experiment] * runs),
            keys_of([0] * runs),
            jnp.arange(stretch, dtype=jnp.int32),
            jnp.int32(rounds),
        ),
        used,
    )
    traced = start_many.trace(numbers, devices, layout, keys, given)
    compiled_start = traced.lower().compile()
    setup, state = jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=sharding
        ),
        traced.out_info,
        compiled_start.output_shardings,
    )
    train = train_many.lower(
        numbers,
        devices,
        layout,
        setup,
        state,
        round_numbers,
        number,
        number,
    )
    return Programs(
        experiment,
        compiled_start,
        train.compile(),
        layout,
        given,
        used,
        runs,
        stretch,
        time.perf_counter() - began,
    )


def keys_of(seeds: Sequence[int]) -> Array:
    """The random key of each seed's run, ``[runs]``.

    Raises:
        InvalidInputError: as ``run_key``.
    """
    return jnp.stack([run_key(seed) for seed in seeds])

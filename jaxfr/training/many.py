"""Many runs at once: seeds and numbers as an axis of one compiled program.

Runs differ in their random key and in any number of the experiment. They are divided
among the devices; on one device a GPU takes its runs side by side, a CPU one after the
other, since there a batch of runs is no faster than its members and needs more memory.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import numpy as np
from jax import Array

from jaxfr.devices import divide_runs
from jaxfr.experiment import Experiment
from jaxfr.platforms import on_cpu
from jaxfr.side_by_side import map_side_by_side
from jaxfr.training.layout import Layout
from jaxfr.training.run import RoundReport, train_rounds
from jaxfr.training.start import begin, draw_setup
from jaxfr.training.state import GivenValues, Setup, TrainingState

T = TypeVar("T")


def map_runs(function: Callable[..., T], *runs: object) -> T:
    """Calls ``function`` for each run, in the way that is fastest on the platform.

    Args:
        function: of one run.
        *runs: its arguments, pytrees of arrays with a leading axis ``[runs]``.

    Returns:
        What it returns, with a leading axis ``[runs]``.
    """
    if jax.tree.leaves(runs)[0].shape[0] == 1:
        alone = function(*jax.tree.map(lambda leaf: leaf[0], runs))
        return jax.tree.map(lambda leaf: leaf[None], alone)
    if on_cpu():
        return jax.lax.map(lambda one: function(*one), runs)
    return map_side_by_side(function, *runs)


def over_runs(
    function: Callable[..., T],
    devices: int,
    shared: tuple[object, ...],
    runs: tuple[object, ...],
) -> T:
    """Calls ``function`` for each run, the runs divided among devices.

    Args:
        function: takes the shared arguments and then those of one run.
        devices: number of devices, divides the number of runs.
        shared: arguments of all runs.
        runs: arguments with a leading axis ``[runs]``.

    Returns:
        What it returns, with a leading axis ``[runs]``.
    """

    def of_device(shared: tuple[object, ...], runs: tuple[object, ...]) -> T:
        return map_runs(lambda *one: function(*shared, *one), *runs)

    return divide_runs(of_device, devices, shared=1, of_runs=1)(shared, runs)


@functools.partial(jax.jit, static_argnames="devices")
def draw_many(
    experiments: Experiment,
    devices: int,
    layout: Layout,
    keys: Array,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
) -> Setup:
    """``draw_setup`` for many runs.

    Args:
        experiments: those of the runs, whose numbers have a leading axis ``[runs]``.
        devices: among how many devices the runs are divided; divides their number.
        layout: the data.
        keys: random key of each run, ``[runs]``.
        given: values that all runs start from.
    """

    def one_run(
        layout: Layout, given: GivenValues, experiment: Experiment, key: Array
    ) -> Setup:
        return draw_setup(experiment, layout, key, given)

    return over_runs(one_run, devices, (layout, given), (experiments, keys))


@functools.partial(jax.jit, static_argnames="devices")
def begin_many(
    experiments: Experiment,
    devices: int,
    layout: Layout,
    setup: Setup,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
) -> TrainingState:
    """``begin`` for many runs, as ``draw_many``.

    Args:
        experiments: those of the runs.
        devices: among how many devices the runs are divided.
        layout: the data.
        setup: what the seeds decided, leading axis ``[runs]``.
        given: values that all runs start from.
    """

    def one_run(
        layout: Layout, given: GivenValues, experiment: Experiment, setup: Setup
    ) -> TrainingState:
        return begin(experiment, layout, setup, given)

    return over_runs(one_run, devices, (layout, given), (experiments, setup))


@functools.partial(jax.jit, static_argnames="devices")
def train_many(
    experiments: Experiment,
    devices: int,
    layout: Layout,
    setup: Setup,
    state: TrainingState,
    round_numbers: Array,
    rounds: Array,
    eval_every: Array,
) -> tuple[TrainingState, RoundReport]:
    """``train_rounds`` for many runs.

    Args:
        experiments: those of the runs, whose numbers have a leading axis ``[runs]``.
        devices: among how many devices the runs are divided; divides their number.
        layout: the data.
        setup: of each run.
        state: of each run.
        round_numbers: as in ``train_rounds``, the same for all runs.
        rounds: as there.
        eval_every: as there.

    Returns:
        The new states, and reports ``[runs, rounds]``.
    """

    def one_run(
        layout: Layout,
        schedule: tuple[Array, Array, Array],
        experiment: Experiment,
        setup: Setup,
        state: TrainingState,
    ) -> tuple[TrainingState, RoundReport]:
        return train_rounds(experiment, layout, setup, state, *schedule)

    schedule = round_numbers, rounds, eval_every
    runs = experiments, setup, state
    return over_runs(one_run, devices, (layout, schedule), runs)


def stack_runs(experiments: Sequence[Experiment]) -> Experiment:
    """Stacks the numbers of experiments of one structure, each to ``[runs]``."""

    def stack(*values: Any) -> Array:
        # On the host, so that no program is compiled for it.
        return jax.device_put(np.stack([np.asarray(value) for value in values]))

    return jax.tree.map(stack, *experiments)

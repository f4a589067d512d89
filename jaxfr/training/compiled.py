"""An experiment compiled once, for all its seeds and numbers, within the memory."""

import functools
import pathlib
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from jax.stages import Compiled, Traced

from jaxfr.devices import as_int32, replicate
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.kept_programs import Structure, kept_programs
from jaxfr.sampling import KEY_KIND
from jaxfr.training.checks import check_run
from jaxfr.training.keys import run_key
from jaxfr.training.layout import Layout
from jaxfr.training.many import begin_many, draw_many, stack_runs, train_many
from jaxfr.training.memory import available_memory, held_bytes
from jaxfr.training.start import without_attack
from jaxfr.training.state import GivenValues, Setup, TrainingState

# A call of the compiled program has room for rounds of about so many pairs of each run,
# which the cheapest rule works off in a second or so on a CPU, and for no more rounds
# than these. How much of the room is used, time decides (see ``rounds_of_next_call``);
# what is left costs a microsecond for each round, and more where the state is large.
PAIRS_PER_CALL = 2 * 10**7
MOST_ROUNDS_PER_CALL = 8192


class CompiledRuns(NamedTuple):
    """The compiled pieces of a batch of runs, and what they were compiled for.

    Attributes:
        experiment: what is run, of whichever numbers.
        draw: draws what a seed fixes for all rounds, see ``draw_many``; of experiments
            without their attack, so that all attacks share it.
        begin: makes the state before round 0, see ``begin_many``.
        train: runs the rounds of a call, see ``train_many``.
        layout: the data, where the devices expect it.
        given: values to start from.
        devices: number of devices, on which arguments are expected.
        runs: number of runs at once.
        rounds_per_call: rounds that a call has room for.
        seconds: spent compiling.
    """

    experiment: Experiment
    draw: Compiled
    begin: Compiled
    train: Compiled
    layout: Layout
    given: GivenValues
    devices: int
    runs: int
    rounds_per_call: int
    seconds: float

    @property
    def programs(self) -> tuple[Compiled, Compiled, Compiled]:
        """In the order in which they run."""
        return self.draw, self.begin, self.train

    def start(
        self, experiments: Experiment, keys: Array
    ) -> tuple[Setup, TrainingState]:
        """What ``start`` makes of each run.

        Args:
            experiments: as many as there are runs at once, stacked.
            keys: of their seeds.
        """
        drawn_by = without_attack(experiments)
        setup = self.draw(drawn_by, self.layout, keys, self.given)
        return setup, self.begin(experiments, self.layout, setup, self.given)


def compile_programs(
    experiment: Experiment,
    layout: Layout,
    rounds: int,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
    *,
    runs: int = 1,
    devices: int = 1,
    rounds_per_call: int | None = None,
    folder: pathlib.Path | None = None,
) -> CompiledRuns:
    """Compiles an experiment once, for all seeds and numbers.

    Args:
        experiment: of any of the runs, from ``Experiment.with_data``; of its numbers
            only the types matter.
        layout: the data, with room for the malicious clients of all runs.
        rounds: rounds of a run.
        given: values to start from.
        runs: number of runs at once.
        devices: among how many devices they are divided; divides their number. To
            spread each run over devices instead, see ``plan_layout``.
        rounds_per_call: rounds that a call of the program has room for; by default so
            many that a call may take a second.
        folder: of programs that are kept, see ``kept_programs``.

    Raises:
        InvalidInputError: as ``check_run`` and ``start``.
    """
    check_run(experiment, layout, rounds)
    began = time.perf_counter()
    if rounds_per_call is None:
        # One more than there are rounds, as round -1 evaluates the untrained state.
        by_pairs = max(1, PAIRS_PER_CALL // layout.train_items.size)
        rounds_per_call = min(rounds + 1, by_pairs, MOST_ROUNDS_PER_CALL)
    used = max(devices, layout.num_devices)
    if layout.num_devices == 1:  # otherwise it is where it belongs
        layout = replicate(layout, used)
    given, numbers, keys, round_numbers, number = replicate(
        (
            given,
            stack_runs([experiment] * runs),
            keys_of([0] * runs),
            as_int32(np.arange(rounds_per_call)),
            as_int32(rounds),
        ),
        used,
    )
    schedule = round_numbers, number, number
    drawn_by = without_attack(numbers)

    of_draw = drawn_by, layout, keys, given
    traced_draw = functools.cache(
        lambda: draw_many.trace(drawn_by, devices, layout, keys, given)
    )

    def make_draw() -> tuple[Compiled]:
        return (traced_draw().lower().compile(),)

    spread = layout.num_devices, devices
    kept = functools.partial(kept_programs, folder, devices=spread)
    (draw,) = kept(of_draw, make_draw, lambda _: (of_draw,))

    def make_others() -> tuple[Compiled, Compiled]:
        setup = _as_returned(traced_draw(), draw)
        traced = begin_many.trace(numbers, devices, layout, setup, given)
        begin = traced.lower().compile()
        state = _as_returned(traced, begin)
        lowered = train_many.lower(numbers, devices, layout, setup, state, *schedule)
        return begin, lowered.compile()

    def of_others(returned: Sequence[Structure]) -> tuple[Any, ...]:
        setup, state = map(_placeholder, (draw.out_tree, returned[0]))
        of_run = numbers, layout, setup
        return (*of_run, given), (*of_run, state, *schedule)

    begin, train = kept((numbers, *of_draw[1:], schedule), make_others, of_others)
    seconds = time.perf_counter() - began
    return CompiledRuns(
        *(experiment, draw, begin, train, layout, given, used, runs),
        *(rounds_per_call, seconds),
    )


def _as_returned(traced: Traced, compiled: Compiled) -> Any:
    """The shapes of what a program returns, where it returns it."""
    return jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=sharding
        ),
        traced.out_info,
        compiled.output_shardings,
    )


def _placeholder(structure: Structure) -> Any:
    return jax.tree.unflatten(structure, range(structure.num_leaves))


def keys_of(seeds: Sequence[int]) -> Array:
    """The random key of each seed's run, ``[runs]``.

    Raises:
        InvalidInputError: as ``run_key``.
    """
    data = [jax.random.key_data(run_key(seed)) for seed in seeds]
    return jax.random.wrap_key_data(jax.device_put(np.stack(data)), impl=KEY_KIND)


class MemoryNeed(NamedTuple):
    """Bytes that a batch of runs holds at its peak, on all devices of a host together.

    Attributes:
        data: the layout, on each device that works on its own copy.
        runs: what all runs of the batch keep between two calls.
        working: what a call of the program makes on the way.
    """

    data: int
    runs: int
    working: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.data + self.runs + self.working


def memory_need(compiled: CompiledRuns) -> MemoryNeed:
    """Tells what the compiled programs will hold, from what the compiler planned.

    What grows with the data inside a round is worked off in blocks of one size (see
    ``jaxfr/blocks.py``), so ``working`` is little more than a round's scalars.
    """
    layout = compiled.layout
    sizes = [_sizes(program) for program in compiled.programs]
    # The compiler's numbers are those of one device. The old state lives until the new
    # one exists.
    devices = len(layout.train_users.sharding.addressable_devices)
    kept = sum(size.output_size_in_bytes for size in sizes)
    working = max(size.temp_size_in_bytes for size in sizes)
    return MemoryNeed(held_bytes(layout), devices * kept, devices * working)


def _sizes(program: Compiled) -> Any:
    found = program.memory_analysis()
    assert found is not None
    return found


def compile_to_fit(
    experiment: Experiment,
    layout: Layout,
    rounds: int,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
    *,
    runs: int = 1,
    devices: int = 1,
    available: int | None = None,
    folder: pathlib.Path | None = None,
) -> CompiledRuns:
    """:func:`compile_programs` for as many runs at once as the memory holds.

    Args:
        experiment: as of :func:`compile_programs`, and so are those below but two.
        layout: the data.
        rounds: rounds of a run.
        given: values to start from.
        runs: number of runs at once, halved until they fit.
        devices: among how many devices they are divided.
        available: bytes to keep within; by default what is free now.

    Raises:
        InvalidInputError: if not even one run for each device fits.
    """
    if available is None:
        available = available_memory()
    while True:
        compiled = compile_programs(
            experiment,
            layout,
            rounds,
            given,
            runs=runs,
            devices=devices,
            folder=folder,
        )
        need = memory_need(compiled).total
        if available is None or need <= available:
            return compiled
        if runs == devices:
            raise InvalidInputError(
                f"a run needs {need / 1e9:.2f} GB for {devices} at once, and "
                f"{available / 1e9:.2f} GB are free; use fewer devices, less data or a "
                "smaller embedding_dim"
            )
        runs = devices * max(1, runs // devices // 2)

"""How much memory runs need, known before they start."""

from typing import NamedTuple

import jax

from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.training.free_memory import available_memory
from jaxfr.training.layout import Layout
from jaxfr.training.programs import Programs, compile_programs
from jaxfr.training.state import GivenValues


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


def memory_need(programs: Programs) -> MemoryNeed:
    """Tells what the compiled programs will hold, from what the compiler planned.

    What grows with the data inside a round is worked off in blocks of one size (see
    ``jaxfr/blocks.py``), so ``working`` is little more than a round's scalars.
    """
    layout = programs.layout
    data = held_bytes(layout)
    start, train = programs.start.memory_analysis(), programs.train.memory_analysis()
    assert start is not None
    assert train is not None
    # The compiler's numbers are those of one device. The old state lives until the new
    # one exists.
    devices = len(layout.train_users.sharding.addressable_devices)
    kept = start.output_size_in_bytes + train.output_size_in_bytes
    working = max(start.temp_size_in_bytes, train.temp_size_in_bytes)
    return MemoryNeed(data=data, runs=devices * kept, working=devices * working)


def held_bytes(arrays: object) -> int:
    """Bytes of a pytree of arrays on this process's devices, all copies counted."""
    return sum(
        shard.data.nbytes
        for array in jax.tree.leaves(arrays)
        for shard in array.addressable_shards
    )


def compile_to_fit(
    experiment: Experiment,
    layout: Layout,
    rounds: int,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
    *,
    runs: int = 1,
    devices: int = 1,
    available: int | None = None,
) -> Programs:
    """``compile_programs`` for as many runs at once as the memory holds.

    Args:
        experiment: as there.
        layout: as there.
        rounds: as there.
        given: as there.
        runs: number of runs at once, halved until they fit.
        devices: as there.
        available: bytes to keep within; by default what is free now.

    Raises:
        InvalidInputError: if not even one run for each device fits.
    """
    if available is None:
        available = available_memory()
    while True:
        programs = compile_programs(
            experiment,
            layout,
            rounds,
            given,
            runs=runs,
            devices=devices,
        )
        need = memory_need(programs).total
        if available is None or need <= available:
            return programs
        if runs == devices:
            raise InvalidInputError(
                f"a run needs {need / 1e9:.2f} GB for {devices} at once, and "
                f"{available / 1e9:.2f} GB are free; use fewer devices, less data or a "
                "smaller embedding_dim"
            )
        runs = devices * max(1, runs // devices // 2)

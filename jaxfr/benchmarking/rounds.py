"""A case of the benchmark, and jaxfr's side of it.

All of the benchmark that knows how jaxfr is run stands in this module.
"""

import dataclasses
import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.aggregators.order_statistics import padded_size
from jaxfr.attacks.base import least_benign_clients
from jaxfr.benchmarking.communication import sent_bytes
from jaxfr.data import (
    Dataset,
    LoadOptions,
    TableOptions,
    load_dataset,
    parse_synthetic_settings,
)
from jaxfr.devices import WHOLE, placement, replicate, spread
from jaxfr.evaluation.candidates import check_enough_candidates
from jaxfr.experiment import Experiment
from jaxfr.jax_settings import find_devices
from jaxfr.texts import read_part
from jaxfr.training import Layout, layout_for
from jaxfr.training.keys import run_key
from jaxfr.training.many import stack_runs
from jaxfr.training.memory import held_bytes
from jaxfr.training.programs import compile_programs
from jaxfr.training.round import train_round
from jaxfr.training.start import start

SEED = 0

# The schedule's end, which no timed round reaches: nothing is evaluated there.
_NEVER = 1 << 30


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured, each field by its flag's name."""

    dataset: str
    synthetic: str
    data_dir: str | None
    aggregator: str
    attack: str
    malicious_ratio: float
    model: str
    num_devices: int
    runs: int
    rounds: int
    repeats: int
    eval_every: int
    references: tuple[str, ...]
    reference_threads: int
    table: TableOptions = dataclasses.field(default_factory=TableOptions)

    @property
    def embedding_dim(self) -> int:
        """That of the model."""
        return read_part("model", self.model).make().embedding_dim


def set_up_process(num_devices: int) -> None:
    """Prepares a process that has not used JAX yet.

    Args:
        num_devices: as how many devices JAX is to show the CPU; it finds all others
            itself.
    """
    jax.config.update("jax_num_cpu_devices", num_devices)
    # What is compiled is timed.
    jax.config.update("jax_enable_compilation_cache", False)


def available_devices() -> tuple[str, int]:
    """The platform that JAX computes on by default, and its number of devices."""
    devices = find_devices()
    return devices[0].platform, len(devices)


def load_case(case: Case) -> tuple[Dataset, Experiment, Layout]:
    """Loads a case's data and lays them out on all of its devices.

    Raises:
        InvalidInputError: if the data or an option cannot be used.
    """
    dataset = load_dataset(
        case.dataset,
        LoadOptions(
            data_dir=case.data_dir,
            synthetic=parse_synthetic_settings(case.synthetic),
            table=case.table,
        ),
    )
    experiment = case_experiment(case, dataset.num_users)
    check_enough_candidates(dataset, experiment.num_candidates)
    return dataset, experiment, layout_for(experiment, dataset, case.num_devices)


def check_case(case: Case) -> None:
    """Checks what can be checked of a case without its data and its devices.

    Raises:
        InvalidInputError: if a value has no meaning.
    """
    parse_synthetic_settings(case.synthetic)
    ratio = case.malicious_ratio
    case_experiment(case, least_benign_clients(ratio) if ratio else 1)


def case_experiment(case: Case, num_clients: int) -> Experiment:
    """What a case runs with a number of benign clients.

    The server expects as many Byzantine clients as ``malicious_ratio`` adds, in a
    clean round too.

    Raises:
        InvalidInputError: if a value has no meaning.
    """
    return wanted_experiment(case).with_data(num_clients, case.dataset)


def wanted_experiment(case: Case) -> Experiment:
    """What a case runs with whatever data.

    Raises:
        InvalidInputError: if a value has no meaning.
    """
    return Experiment(
        model=read_part("model", case.model),
        attack=read_part("attack", case.attack),
        aggregator=read_part("aggregator", case.aggregator),
        malicious_ratio=case.malicious_ratio,
    )


def item_blocks(layout: Layout, attacked: bool) -> Sequence[tuple[np.ndarray, int]]:
    """The padded blocks in which a rule that needs an item's rows works them off.

    Args:
        layout: the data.
        attacked: whether an attack adds a row to each item.

    Returns:
        For each block its items, the number of items where there is none, and how many
        rows it holds of each.
    """
    return [
        (np.asarray(group.items), padded_size(group.slots.size + attacked))
        for group in layout.item_slots
    ]


def count_sent_bytes(experiment: Experiment, layout: Layout) -> dict[str, int]:
    """What each device sends in a round; nothing where there is one."""
    devices = layout.num_devices
    if devices == 1:
        return {}
    setup, state = jax.eval_shape(start, experiment, layout, run_key(SEED))
    one_round = spread(
        train_round,
        devices,
        (WHOLE, *placement((layout, setup, state, WHOLE))),
        (placement(state), WHOLE),
    )
    program = jax.make_jaxpr(one_round)(experiment, layout, setup, state, jnp.int32(0))
    return sent_bytes(program, devices)


class JaxfrRounds:
    """jaxfr's side: each call trains the next ``rounds`` rounds and waits for them.

    Runs side by side differ in their seeds, ``SEED`` and those after it.

    Attributes:
        compile_seconds: time to trace and compile.
        start_seconds: time to draw what a seed decides.
        kept_bytes: what stays in memory between calls, on all devices together.
        sent_bytes: what each device sends in a round, see ``communication``.
    """

    def __init__(
        self,
        experiment: Experiment,
        layout: Layout,
        rounds: int,
        eval_every: int,
        runs: int = 1,
    ) -> None:
        programs = compile_programs(
            experiment, layout, rounds, runs=runs, rounds_per_call=rounds
        )
        self.compile_seconds = programs.seconds
        self._numbers = np.arange(rounds, dtype=np.int32)
        points, keys, schedule = replicate(
            (
                stack_runs([experiment] * runs),
                jnp.stack([run_key(SEED + run) for run in range(runs)]),
                (jnp.int32(_NEVER), jnp.int32(eval_every)),
            ),
            programs.devices,
        )
        began = time.perf_counter()
        setup, self._state = jax.block_until_ready(
            programs.start(points, programs.layout, keys, programs.given)
        )
        self.start_seconds = time.perf_counter() - began
        self.kept_bytes = {
            "layout": held_bytes(layout),
            "setup": held_bytes(setup),
            "state": held_bytes(self._state),
        }
        self.sent_bytes = count_sent_bytes(experiment, layout)
        self._devices = programs.devices
        self._train = lambda state, numbers: programs.train(
            points, programs.layout, setup, state, numbers, *schedule
        )

    def __call__(self) -> None:
        """Trains on from where the last call ended."""
        numbers = replicate(jnp.asarray(self._numbers), self._devices)
        self._state, report = self._train(self._state, numbers)
        jax.block_until_ready((self._state, report))
        self._numbers = self._numbers + self._numbers.size

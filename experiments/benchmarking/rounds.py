"""A case of the benchmark, and jaxfr's side of it.

All of the benchmark that knows how jaxfr is run stands in this module.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.aggregators.order_statistics import padded_size
from jaxfr.attacks import malicious_client_count
from jaxfr.data import Dataset, load_dataset, parse_synthetic_settings
from jaxfr.devices import replicate
from jaxfr.evaluation.candidates import check_enough_candidates
from jaxfr.training import (
    Configuration,
    Hyperparameters,
    Layout,
    check_settings,
    plan_layout,
)
from jaxfr.training.many import stack_runs
from jaxfr.training.programs import compile_programs

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
    embedding_dim: int
    num_devices: int
    rounds: int
    repeats: int
    eval_every: int
    references: tuple[str, ...]
    reference_threads: int


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
    return jax.default_backend(), jax.device_count()


def load_case(case: Case) -> tuple[Dataset, Configuration, Hyperparameters, Layout]:
    """Loads a case's data and lays them out on all of its devices.

    Raises:
        InvalidInputError: if the data or a setting cannot be used.
    """
    dataset = load_dataset(
        case.dataset,
        data_dir=case.data_dir,
        synthetic=parse_synthetic_settings(case.synthetic),
    )
    configuration, hyperparameters = case_settings(case, dataset.num_users)
    check_enough_candidates(dataset, configuration.num_candidates)
    devices = configuration.num_devices
    layout = replicate(plan_layout(dataset, devices), devices)
    return dataset, configuration, hyperparameters, layout


def check_case(case: Case) -> None:
    """Checks what can be checked of a case without its data and its devices.

    Raises:
        InvalidInputError: if a value has no meaning.
    """
    parse_synthetic_settings(case.synthetic)
    case_settings(dataclasses.replace(case, num_devices=1), num_clients=1)


def case_settings(
    case: Case, num_clients: int
) -> tuple[Configuration, Hyperparameters]:
    """The settings of a case for a number of benign clients.

    The server expects as many Byzantine clients as ``malicious_ratio`` adds, in a
    clean round too.

    Raises:
        InvalidInputError: if a value has no meaning.
    """
    expected = malicious_client_count(num_clients, case.malicious_ratio)
    malicious = 0 if case.attack == "none" else expected
    configuration = Configuration(
        attack=case.attack,
        aggregator=case.aggregator,
        embedding_dim=case.embedding_dim,
        malicious_clients=malicious,
        num_devices=case.num_devices,
    )
    hyperparameters = Hyperparameters(
        malicious_clients=malicious, expected_byzantine=expected
    )
    check_settings(configuration, hyperparameters)
    return configuration, hyperparameters


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


class JaxfrRounds:
    """jaxfr's side: each call trains the next ``rounds`` rounds and waits for them.

    Attributes:
        compile_seconds: time to trace and compile.
    """

    def __init__(
        self,
        configuration: Configuration,
        hyperparameters: Hyperparameters,
        layout: Layout,
        rounds: int,
        eval_every: int,
    ) -> None:
        programs = compile_programs(
            configuration, hyperparameters, layout, rounds, stretch=rounds
        )
        self.compile_seconds = programs.seconds
        self._numbers = np.arange(rounds, dtype=np.int32)
        # One run, as an axis of length 1.
        points, schedule = replicate(
            (
                stack_runs([hyperparameters]),
                (jnp.int32(_NEVER), jnp.int32(eval_every)),
            ),
            configuration.num_devices,
        )
        setup, self._state = programs.start(
            points, programs.layout, jax.random.key(SEED)[None], programs.given
        )
        self._train = lambda state, numbers: programs.train(
            points, programs.layout, setup, state, numbers, *schedule
        )

    def __call__(self) -> None:
        """Trains on from where the last call ended."""
        numbers = jnp.asarray(self._numbers)
        self._state, report = self._train(self._state, numbers)
        jax.block_until_ready((self._state, report))
        self._numbers = self._numbers + self._numbers.size

"""Refuses a run that has no meaning, before anything is traced."""

from typing import Any

import numpy as np
from jax import Array
from jax.core import Tracer

from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.jax_settings import check_jax_settings
from jaxfr.ranges import COUNT, COUNT_FROM_1, check_number
from jaxfr.training.layout import Layout


def check_run(
    experiment: Experiment,
    layout: Layout,
    rounds: int | None = None,
    eval_every: int = 0,
) -> None:
    """Refuses a run that has no meaning, before anything is traced.

    Of the numbers, those that are traced already are not looked at.

    Args:
        experiment: from ``Experiment.with_data``; its numbers may be arrays of several
            runs.
        layout: the data.
        rounds: rounds of the run, None where they are not known yet.
        eval_every: how often it is evaluated.

    Raises:
        InvalidInputError: names the option, its value and what is allowed.
    """
    check_jax_settings()
    if rounds is not None:
        check_number("rounds", rounds, COUNT_FROM_1)
        check_number("eval_every", eval_every, COUNT)
    if experiment.malicious_clients is None:
        raise InvalidInputError(
            "malicious_clients=None: Experiment.with_data tells how many there are"
        )
    if experiment.expected_byzantine is None and experiment.rule().expects_byzantine:
        raise InvalidInputError(
            f"expected_byzantine=None: aggregator={experiment.aggregator.name} needs "
            "the number of Byzantine clients to expect, 0 for none; "
            "Experiment.with_data tells it"
        )
    check_attack(experiment, layout.malicious_clients, rounds)
    neighbours = experiment.model.make().neighbours_per_item
    if neighbours and layout.holders is None:
        raise InvalidInputError(
            f"neighbours_per_item={neighbours}: the layout is planned without "
            "neighbours"
        )


def check_attack(experiment: Experiment, room: Array | int, rounds: int | None) -> None:
    """Refuses an attack that does not happen, and attackers that have no room.

    Args:
        experiment: from ``Experiment.with_data``.
        room: for how many malicious clients there is room.
        rounds: rounds of the run, None where they are not known yet.

    Raises:
        InvalidInputError: names the option, its value and what is allowed.
    """
    malicious = _known(experiment.malicious_clients)
    if np.any(malicious > room):
        raise InvalidInputError(
            f"malicious_clients={malicious}: the layout has room for {room}"
        )
    if experiment.is_clean:
        return
    if room < 1 or np.any(malicious < 1):
        raise InvalidInputError(
            f"malicious_clients={malicious}: attack={experiment.attack} needs at least "
            "one, in the experiment and in the room of its layout"
        )
    begin = _known(experiment.attack_start)
    if rounds is not None and np.any(begin >= rounds):
        raise InvalidInputError(
            f"attack_start={begin}: attack={experiment.attack} would never begin, "
            f"must be below rounds={rounds}"
        )


def _known(number: Any) -> np.ndarray:
    """The numbers that are no tracers, for comparisons; none of those that are."""
    return np.asarray([]) if isinstance(number, Tracer) else np.asarray(number)

"""The whole run: rounds and evaluations, compiled as one loop."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.clients.representation import represent_clients
from jaxfr.devices import WHOLE, placement, spread
from jaxfr.evaluation.evaluate import RankedItems, Scorer, evaluate
from jaxfr.evaluation.outcome import Outcome, no_outcome
from jaxfr.models import MODELS
from jaxfr.models.weights import unflatten
from jaxfr.training.checks import check_settings
from jaxfr.training.layout import Layout
from jaxfr.training.round import RoundCounts, train_round
from jaxfr.training.settings import Configuration, Hyperparameters
from jaxfr.training.start import check_devices, start
from jaxfr.training.state import (
    GivenValues,
    Setup,
    TrainingState,
)


class RoundReport(NamedTuple):
    """What is known after a round.

    Attributes:
        counts: what the server counted.
        evaluated: whether the schedule asked for an evaluation, bool scalar.
        outcome: what it found, of no user where it did not.
    """

    counts: RoundCounts
    evaluated: Array
    outcome: Outcome


def _evaluate_state(
    configuration: Configuration, layout: Layout, setup: Setup, state: TrainingState
) -> Outcome:
    model, weights = MODELS[configuration.model](), ()
    if state.weights is not None:
        flat = state.weights.values[0]
        weights = unflatten(model, flat, configuration.embedding_dim)
    clients = state.clients.embedding
    if model.represent is not None:
        clients = represent_clients(
            model.represent,
            weights,
            clients,
            state.item_embeddings,
            layout.clients,
            setup.neighbours,
        )
    scorer = Scorer(model.scores, weights, state.item_embeddings)
    items = RankedItems(
        layout.test_items,
        setup.candidates,
        setup.within_third,
        setup.targets,
        layout.clients,
    )
    return evaluate(
        configuration.metrics, configuration.ranking, scorer, clients, items
    )


@functools.partial(jax.jit, static_argnames="configuration")
def evaluate_now(
    configuration: Configuration, layout: Layout, setup: Setup, state: TrainingState
) -> Outcome:
    """Evaluates a state outside the schedule, such as the untrained one."""
    with jax.default_matmul_precision("highest"):
        return spread(
            functools.partial(_evaluate_state, configuration),
            configuration.num_devices,
            placement((layout, setup, state)),
            WHOLE,
        )(layout, setup, state)


@functools.partial(jax.jit, static_argnames="configuration")
def train_rounds(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    setup: Setup,
    state: TrainingState,
    round_numbers: Array,
    rounds: Array,
    eval_every: Array,
) -> tuple[TrainingState, RoundReport]:
    """Trains for a stretch of rounds.

    A host loop that repeats this for stretches of one length compiles it once, and can
    show progress in between; rounds at or beyond ``rounds`` change nothing, so the last
    stretch may reach past the end. Round -1 trains nothing and evaluates the state
    before round 0.

    Args:
        configuration: static settings.
        hyperparameters: traced settings.
        layout: the data.
        setup: what the seed fixed.
        state: the state before the first of these rounds.
        round_numbers: ascending rounds, int32 ``[stretch]``.
        rounds: rounds of the whole run, int32 scalar.
        eval_every: evaluates after every so many rounds and after the last one; 0
            for the last one only; int32 scalar.

    Returns:
        The new state, and a report for each round, leading axis ``[stretch]``.

    Raises:
        InvalidInputError: if the layout is planned for another number of devices.
    """
    check_devices(configuration, layout)
    # On a GPU the default would round products to ten bits of mantissa.
    with jax.default_matmul_precision("highest"):
        return spread(
            functools.partial(_train_on_each_device, configuration),
            configuration.num_devices,
            (WHOLE, *placement((layout, setup, state)), WHOLE, WHOLE, WHOLE),
            (placement(state), WHOLE),
        )(hyperparameters, layout, setup, state, round_numbers, rounds, eval_every)


def _train_on_each_device(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    setup: Setup,
    state: TrainingState,
    round_numbers: Array,
    rounds: Array,
    eval_every: Array,
) -> tuple[TrainingState, RoundReport]:
    def step(
        state: TrainingState, round_number: Array
    ) -> tuple[TrainingState, RoundReport]:
        active = (round_number >= 0) & (round_number < rounds)
        state, counts = jax.lax.cond(
            active,
            lambda state: train_round(
                configuration, hyperparameters, layout, setup, state, round_number
            ),
            lambda state: (state, RoundCounts(jnp.int32(0), jnp.int32(0))),
            state,
        )
        finished = round_number + 1
        period = jnp.where(eval_every > 0, eval_every, rounds)
        due = (finished % period == 0) | (finished == rounds)
        due &= (finished >= 0) & (finished <= rounds)
        outcome = jax.lax.cond(
            due,
            lambda state: _evaluate_state(configuration, layout, setup, state),
            lambda state: no_outcome(configuration.metrics, configuration.num_targets),
            state,
        )
        return state, RoundReport(counts, due, outcome)

    return jax.lax.scan(step, state, round_numbers)


def simulate(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    key: Array,
    rounds: int,
    eval_every: int = 0,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
) -> tuple[TrainingState, RoundReport]:
    """Runs one seed from start to end; a pure function, to be jitted or vmapped.

    Args:
        configuration: static settings.
        hyperparameters: traced settings.
        layout: the data, from ``plan_layout``.
        key: the seed's random key, from ``run_key``.
        rounds: number of rounds, static.
        eval_every: evaluates after every so many rounds and after the last.
        given: values to start from.

    Returns:
        The final state, and a report for each round.

    Raises:
        InvalidInputError: as ``check_settings`` and ``start``.
    """
    check_settings(configuration, hyperparameters, rounds, eval_every)
    setup, state = start(configuration, hyperparameters, layout, key, given)
    return train_rounds(
        configuration,
        hyperparameters,
        layout,
        setup,
        state,
        jnp.arange(rounds, dtype=jnp.int32),
        jnp.int32(rounds),
        jnp.int32(eval_every),
    )

"""The whole run: rounds and evaluations, compiled as one loop."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.clients.graph import represent_clients
from jaxfr.data.dataset import Dataset
from jaxfr.devices import WHOLE, placement, spread
from jaxfr.evaluation.evaluate import RankedItems, Scorer, evaluate
from jaxfr.evaluation.outcome import Outcome, no_outcome
from jaxfr.experiment import Experiment
from jaxfr.models.base import unflatten
from jaxfr.showing import by_shapes
from jaxfr.training.checks import check_run
from jaxfr.training.keys import run_key
from jaxfr.training.layout import Layout, layout_for
from jaxfr.training.round import RoundCounts, no_counts, train_round
from jaxfr.training.start import start
from jaxfr.training.state import (
    GivenValues,
    Setup,
    TrainingState,
)


@by_shapes
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
    experiment: Experiment, layout: Layout, setup: Setup, state: TrainingState
) -> Outcome:
    model, weights = experiment.model.make(), ()
    if state.weights is not None:
        flat = state.weights.values[0]
        weights = unflatten(model, flat, model.embedding_dim)
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
    return evaluate(experiment.metrics, experiment.ranking, scorer, clients, items)


@jax.jit
def evaluate_now(
    experiment: Experiment, layout: Layout, setup: Setup, state: TrainingState
) -> Outcome:
    """Evaluates a state outside the schedule, such as the untrained one."""
    with jax.default_matmul_precision("highest"):
        return spread(
            _evaluate_state,
            layout.num_devices,
            (WHOLE, *placement((layout, setup, state))),
            WHOLE,
        )(experiment, layout, setup, state)


@jax.jit
def train_rounds(
    experiment: Experiment,
    layout: Layout,
    setup: Setup,
    state: TrainingState,
    round_numbers: Array,
    rounds: Array,
    eval_every: Array,
) -> tuple[TrainingState, RoundReport]:
    """Trains for some rounds.

    A host loop that repeats this for equally many rounds compiles it once, and can
    show progress in between; rounds at or beyond ``rounds`` change nothing, so the last
    call may reach past the end. Round -1 trains nothing and evaluates the state
    before round 0.

    Args:
        experiment: from ``Experiment.with_data``.
        layout: the data.
        setup: what the seed fixed.
        state: the state before the first of these rounds.
        round_numbers: ascending rounds, int32 ``[rounds]``.
        rounds: rounds of the whole run, int32 scalar.
        eval_every: evaluates after every so many rounds and after the last one; 0
            for the last one only; int32 scalar.

    Returns:
        The new state, and a report for each round, leading axis ``[rounds]``.
    """
    # On a GPU the default would round products to ten bits of mantissa.
    with jax.default_matmul_precision("highest"):
        return spread(
            _train_on_each_device,
            layout.num_devices,
            (WHOLE, *placement((layout, setup, state)), WHOLE, WHOLE, WHOLE),
            (placement(state), WHOLE),
        )(experiment, layout, setup, state, round_numbers, rounds, eval_every)


def _train_on_each_device(
    experiment: Experiment,
    layout: Layout,
    setup: Setup,
    state: TrainingState,
    round_numbers: Array,
    rounds: Array,
    eval_every: Array,
) -> tuple[TrainingState, RoundReport]:
    nothing = no_counts(experiment, layout, state.item_embeddings.shape[1])

    def step(
        state: TrainingState, round_number: Array
    ) -> tuple[TrainingState, RoundReport]:
        active = (round_number >= 0) & (round_number < rounds)
        state, counts = jax.lax.cond(
            active,
            lambda state: train_round(experiment, layout, setup, state, round_number),
            lambda state: (state, nothing),
            state,
        )
        finished = round_number + 1
        period = jnp.where(eval_every > 0, eval_every, rounds)
        due = (finished % period == 0) | (finished == rounds)
        due &= (finished >= 0) & (finished <= rounds)
        outcome = jax.lax.cond(
            due,
            lambda state: _evaluate_state(experiment, layout, setup, state),
            lambda state: no_outcome(experiment.metrics, len(experiment.targets)),
            state,
        )
        return state, RoundReport(counts, due, outcome)

    return jax.lax.scan(step, state, round_numbers)


def simulate(
    experiment: Experiment,
    data: Dataset | Layout,
    rounds: int,
    seed: int | Array = 0,
    eval_every: int = 0,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
) -> tuple[TrainingState, RoundReport]:
    """Runs one seed from start to end; a pure function, to be jitted or vmapped.

    >>> import jax, jaxfr as fr
    >>> data = fr.synthetic_dataset(num_users=40, num_items=30, num_pairs=300)
    >>> experiment = fr.Experiment(attack=fr.attacks.spattack_o_d(), num_candidates=9)
    >>> run = lambda key: fr.simulate(experiment, data, rounds=2, seed=key)
    >>> state, report = jax.eval_shape(run, fr.run_key(0))  # or jax.jit(run)(...)
    >>> state  # shapes, whatever the size
    TrainingState(clients=ClientState(embedding=float32[40, 32], ...), ...)
    >>> report
    RoundReport(counts=RoundCounts(...), evaluated=bool[2], outcome=Outcome(...))

    Args:
        experiment: what is run.
        data: the data, or their layout from ``plan_layout`` or ``layout_for``, which is
            made only once that way.
        rounds: number of rounds, static.
        seed: the seed, or its random key from ``run_key``.
        eval_every: evaluates after every so many rounds and after the last; 0: after
            the last only.
        given: values to start from.

    Returns:
        The final state, and a report for each round.

    Raises:
        InvalidInputError: as ``check_run`` and ``start``.
    """
    if isinstance(data, Layout):
        experiment, layout = experiment.with_data(data.num_clients), data
    else:
        experiment = experiment.with_data(data.num_users, data.name)
        layout = layout_for(experiment, data)
    check_run(experiment, layout, rounds, eval_every)
    key = run_key(seed) if isinstance(seed, int) else seed
    setup, state = start(experiment, layout, key, given)
    return train_rounds(
        experiment,
        layout,
        setup,
        state,
        jnp.arange(rounds, dtype=jnp.int32),
        jnp.int32(rounds),
        jnp.int32(eval_every),
    )

"""A batch of runs saved on its way, and gone on with."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.evaluation.outcome import no_outcome
from jaxfr.experiment import Experiment
from jaxfr.training.calls import Stretch
from jaxfr.training.layout import Layout
from jaxfr.training.round import no_counts
from jaxfr.training.run import RoundReport
from jaxfr.training.state import TrainingState


class Checkpoints(NamedTuple):
    """Where a batch is saved on its way, and when.

    They belong to one batch of one program, such as the methods of a
    ``CheckpointKeeper`` whose identity says which (see ``jaxfr/checkpoints``). By
    default nothing is saved and nothing found.

    Attributes:
        restore: reads the newest checkpoint, as the number of finished rounds and what
            was saved, or None; it is handed a function from a number of finished
            rounds to a pytree like what was saved after them.
        due: whether it is time to save; asked after each stretch but the last.
        save: takes the number of finished rounds, and a pytree of arrays.
    """

    restore: Callable[[Callable[[int], Any]], tuple[int, Any] | None] = (
        lambda template_at: None
    )
    due: Callable[[], bool] = lambda: False
    save: Callable[[int, Any], Any] = lambda finished, tree: None


class _Saved(NamedTuple):
    """What a checkpoint of a batch holds.

    Attributes:
        state: of all runs.
        reported: of all rounds so far, from -1, as of a single stretch.
    """

    state: TrainingState
    reported: Stretch


def restore_batch(
    checkpoints: Checkpoints,
    experiment: Experiment,
    layout: Layout,
    state: TrainingState,
    runs: int,
) -> tuple[TrainingState, list[Stretch]]:
    """Goes back to the newest checkpoint of a batch, if there is one.

    Args:
        checkpoints: those of the batch.
        experiment: that of its program.
        layout: the data.
        state: the batch's state before its first round.
        runs: how many runs it has room for.

    Returns:
        The state, and what was reported before it as one stretch; without a checkpoint
        the given state and no stretch.
    """

    def saved_at(finished: int) -> _Saved:
        numbers = np.arange(-1, finished, dtype=np.int32)
        report = _blank_report(experiment, layout, runs, numbers.size)
        reported = Stretch(numbers, report, _number(0.0))
        return _Saved(state, reported)

    found = checkpoints.restore(saved_at)
    if found is None:
        return state, []
    state, reported = found[1]
    return state, [reported._replace(seconds=float(reported.seconds))]


def save_batch(
    checkpoints: Checkpoints, state: TrainingState, stretches: Sequence[Stretch]
) -> None:
    """Saves a batch after some stretches.

    Args:
        checkpoints: those of the batch.
        state: after the last of these stretches.
        stretches: all of them, from round -1.
    """
    report = jax.tree.map(
        lambda *parts: np.concatenate(parts, axis=1), *[s.report for s in stretches]
    )
    numbers = np.concatenate([stretch.numbers for stretch in stretches])
    seconds = _number(sum(stretch.seconds for stretch in stretches))
    saved = _Saved(state, Stretch(numbers, report, seconds))
    checkpoints.save(int(numbers[-1]) + 1, saved)


def _blank_report(
    experiment: Experiment, layout: Layout, runs: int, rounds: int
) -> RoundReport:
    """A report of nothing, leading axes ``[runs, rounds]``."""
    dim = experiment.model.make().embedding_dim
    counts = no_counts(experiment, layout, dim)
    outcome = no_outcome(experiment.metrics, len(experiment.targets))
    of_round = RoundReport(counts, jnp.bool_(False), outcome)
    return jax.tree.map(
        lambda leaf: np.zeros((runs, rounds, *leaf.shape), leaf.dtype), of_round
    )


def _number(value: float) -> Any:
    """A number as an array, which a checkpoint can hold."""
    return np.array(value, np.float64)

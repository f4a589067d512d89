"""Compiled programs for the groups of a plan."""

from typing import NamedTuple

import jax
import numpy as np

from jaxfr.evaluation.references import chance_of
from jaxfr.experiment import Experiment
from jaxfr.sweeps.execution import Execution, RunOptions, plan_execution
from jaxfr.sweeps.plan import Plan, RunGroup
from jaxfr.sweeps.sources import SourceName
from jaxfr.training.layout import Layout, layout_for
from jaxfr.training.memory import compile_to_fit
from jaxfr.training.programs import Programs


class Prepared(NamedTuple):
    """A group's program, ready to run.

    Attributes:
        programs: compiled for so many runs as memory holds at once.
        execution: how they are executed.
        chance: what their metrics are in a random order of the items, by field.
        more_room: whether items have more room than is planned at first.
    """

    programs: Programs
    execution: Execution
    chance: dict[str, float]
    more_room: bool = False


class Bench:
    """Compiles one group after another, and keeps the data laid out between them."""

    def __init__(self, plan: Plan, options: RunOptions) -> None:
        """Compiles nothing yet.

        Args:
            plan: the runs.
            options: how they are executed.
        """
        self._plan = plan
        self._options = options
        self._layout: tuple[tuple[object, ...], Layout] | None = None

    def execution(self, group: RunGroup) -> Execution:
        """How a group's runs are executed, as long as memory does not forbid it."""
        return plan_execution(group.size, self._options)

    def prepare(self, group: RunGroup, more_room: bool = False) -> Prepared:
        """Compiles a group's program.

        Args:
            group: the group.
            more_room: for each item's rows, see ``plan_layout``.

        Raises:
            InvalidInputError: if not even one run for each device fits into memory.
        """
        # Programs of earlier groups map memory in many pieces, which Linux bounds: some
        # fifty in one process and its compiler dies.
        jax.clear_caches()
        execution = self.execution(group)
        experiment = group.experiment
        layout = self._laid_out(group.source, experiment, execution.spread, more_room)
        programs = compile_to_fit(
            experiment,
            layout.with_room(group.malicious_clients),
            group.rounds,
            self._plan.sources[group.source].given,
            runs=execution.runs,
            devices=execution.divided,
        )
        dataset = self._plan.sources[group.source].dataset
        chance = chance_of(
            experiment.metrics,
            experiment.ranking,
            experiment.num_candidates,
            dataset,
        )
        execution = execution._replace(runs=programs.runs)
        return Prepared(programs, execution, chance, more_room)

    def _laid_out(
        self, name: SourceName, experiment: Experiment, devices: int, more_room: bool
    ) -> Layout:
        neighbours = experiment.model.make().neighbours_per_item > 0
        wanted = name, devices, experiment.pseudo_items, neighbours, more_room
        kept = self._layout
        if kept is None or kept[0] != wanted:
            self._layout = None  # before the next one needs its memory
            source = self._plan.sources[name]
            negatives = source.given.negatives
            layout = layout_for(
                experiment,
                source.dataset,
                devices,
                more_room,
                None if negatives is None else np.asarray(negatives),
            )
            self._layout = kept = wanted, layout
        return kept[1]

"""A sweep from Python: experiments crossed with seeds, run as programs run them."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

from jaxfr.data import Dataset
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.files import temporary_folder
from jaxfr.records.contents import lack_of_record
from jaxfr.records.results import Results
from jaxfr.store import open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.grid import parse_seeds
from jaxfr.sweeps.plan import RunGroup, identify, plan_runs
from jaxfr.sweeps.request import RunRequest
from jaxfr.sweeps.work import Watcher, run_plan


def sweep(
    experiments: Experiment | Iterable[Experiment],
    data: str | Dataset,
    seeds: int | str | Iterable[int] = (0,),
    rounds: int = 200,
    eval_every: int = 10,
    store: str | pathlib.Path | None = None,
    say: Callable[[str], Any] | None = None,
) -> Results:
    """Runs every experiment with every seed; those of one structure compile once.

    >>> import jaxfr as fr
    >>> data = fr.synthetic_dataset(num_users=40, num_items=300, num_pairs=600)
    >>> rates = 0.1, 1.0
    >>> experiments = [fr.Experiment(num_candidates=9, learning_rate=r) for r in rates]
    >>> records = fr.sweep(experiments, data, rounds=1)
    >>> [record["learning_rate"] for record in records]
    [0.1, 1.0]

    Args:
        experiments: what is run; one, or several.
        data: a data set, or its name or path.
        seeds: decide every random draw; one, several, or a text as ``0:5``.
        rounds: rounds of each run.
        eval_every: evaluates after every so many rounds and after the last; 0: after
            the last only.
        store: folder of a result store, which runs that are in it are taken from;
            None keeps nothing.
        say: is told in a line what is compiled and how many runs are done, as ``print``
            would show it; None: nobody is.

    Returns:
        A record for each experiment and seed, experiment by experiment, as programs
        write them into ``results.jsonl``; see :class:`jaxfr.Results`.

    Raises:
        InvalidInputError: if a run has no meaning, or seeds or data cannot be read.
    """
    one_or_text = isinstance(seeds, int | str)
    seeds = parse_seeds(str(seeds)) if one_or_text else tuple(seeds)
    if not seeds:
        raise InvalidInputError("seeds: there is none; name at least one")
    if isinstance(experiments, Experiment):
        experiments = [experiments]
    name = data if isinstance(data, str) else data.name
    loaded = {} if isinstance(data, str) else {name: data}
    of_experiments = [
        RunRequest(one, name, rounds=rounds, eval_every=eval_every)
        for one in experiments
    ]
    wanted = [
        dataclasses.replace(one, seed=seed) for one in of_experiments for seed in seeds
    ]
    plan = plan_runs(wanted, loaded=loaded)
    with contextlib.ExitStack() as stack:
        path = pathlib.Path(store) if store else stack.enter_context(temporary_folder())
        opened = stack.enter_context(open_store(path, check=lack_of_record))
        watcher = Watcher() if say is None else _told(say, len(plan.runs))
        for _ in run_plan(plan, opened, ExecutionOptions(devices=1), watcher):
            pass
        return Results(opened.records(identify(plan, wanted)))


def _told(say: Callable[[str], Any], runs: int) -> Watcher:
    done = 0

    def compiling(group: RunGroup) -> contextlib.AbstractContextManager[None]:
        say(f"{group.title}: compiling")
        return contextlib.nullcontext()

    def finish(number: int) -> None:
        nonlocal done
        done += number
        say(f"{done} of {runs} runs done")

    return Watcher(compiling=compiling, runs=finish, found_runs=finish, say=say)

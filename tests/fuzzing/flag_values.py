"""Flags of every program with values of every kind, up to the plan of the runs."""

import contextlib
import json
import math
import pathlib
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from unittest import mock

import jax
import numpy as np
from absl import flags

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.plan import Plan
from jaxfr.training.compiled import keys_of
from tests.fuzzing import programs, stores
from tests.fuzzing.flag_texts import SMALL, draw_flags
from tests.fuzzing.judging import Attempt, WrongOutcomeError
from tests.fuzzing.part_texts import PART_TEXTS, is_meant, wanted_fields
from tests.fuzzing.readers import what_reads

# What a program is given so that it does little, where the attempt gives nothing else.
_BASE = {
    "train": {"dataset": SMALL, "num_candidates": "10"},
    "sweep": {
        **{"dataset": SMALL, "num_candidates": "10"},
        "store": "new_store",
    },
    "dataset": {"dataset": SMALL},
    "results": {"store": "store"},
    "benchmark": {"dataset": SMALL, "num_devices": "1"},
}
# Of which a record may say something else than the flag, by their meaning.
_RESOLVED = frozenset(("dataset", "expected_byzantine", "targets"))


class _PlannedError(Exception):
    """Raised where a program would begin to run its plan."""

    def __init__(self, plan: Plan | None) -> None:
        super().__init__()
        self.plan = plan


def attempt_with(program: str) -> Attempt:
    """Attempts with the flags of one program, which is loaded."""
    module = programs.load(program)
    if program == "results":
        stores.prepare()

    def attempt(source: random.Random, folder: pathlib.Path) -> None:
        pathlib.Path("data.csv").write_text("user,item\na,x\na,y\nb,x\nb,y\nc,z\nc,x\n")
        if program == "results":
            stores.write_damaged(pathlib.Path("store"), source)
        given = draw_flags(source, programs.own_flags(program))
        merged = _completed(program, given, source)
        arguments = [f"--{name}={text}" for name, text in merged.items()]
        if source.random() < 0.1 and all(map(_fits_a_line, arguments)):
            mark, end = source.choice(("", "\ufeff")), source.choice(("\n", "\r\n"))
            arguments = programs.written_flags(arguments, mark, end)
        with _stopped_at_the_plan(module):
            try:
                programs.run(program, arguments)
            except InvalidInputError as error:
                if "# a comment" in str(error):
                    raise WrongOutcomeError(
                        f"misread a file of flags: {error}"
                    ) from None
                raise
            except _PlannedError as planned:
                if planned.plan is not None:
                    _check_plan(planned.plan, merged)

    return attempt


def _completed(
    program: str, given: dict[str, str], source: random.Random
) -> dict[str, str]:
    """The flags with what they need beside them, most often."""
    beside = dict(_BASE[program])
    if program in ("train", "sweep") and source.random() < 0.8:
        beside |= {name: str(value) for name, value in what_reads(given).items()}
    if given.get("ranking") == "full":
        beside.pop("num_candidates", None)
    return {**beside, **given}


def _fits_a_line(argument: str) -> bool:
    return len(argument.splitlines()) == 1 and argument.strip() == argument


@contextlib.contextmanager
def _stopped_at_the_plan(module: Any) -> Iterator[None]:
    """Lets a program do all that it does before devices start and compile."""

    def stop(plan: object = None, *others: object, **named: object) -> Iterator[Any]:
        raise _PlannedError(plan if isinstance(plan, Plan) else None)

    names = ("run_with_progress", "forecast", "measure_apart")
    with contextlib.ExitStack() as stack:
        for name in filter(partial(hasattr, module), names):
            stack.enter_context(mock.patch.object(module, name, stop))
        stack.enter_context(
            mock.patch("jaxfr.programs.process_flags.start_devices", return_value=1)
        )
        yield


def _check_plan(plan: Plan, given: dict[str, str]) -> None:
    """Holds a plan's numbers and records against the flags."""
    for planned in plan.runs:
        for place, number in jax.tree.leaves_with_path(planned.experiment):
            _check_number(jax.tree_util.keystr(place), number)
        json.dumps(planned.recorded, allow_nan=False)
    texts = given.get("attack", "").split(",")
    attacks = [wanted_fields("attack", text)["attack"] for text in texts]
    records = [run.recorded for run in plan.runs]
    attacked = [record for record in records if record["attack"] in attacks]
    for name, text in given.items():
        if name not in records[0] or name in _RESOLVED:
            continue
        # Of a flag that takes a single value, a comma is part of it.
        separator = getattr(flags.FLAGS[name].parser, "separator", None)
        values = text.split(separator) if separator else [text]
        found = {record[name] for record in attacked or records}
        if name in PART_TEXTS:
            wanted = _check_parts(name, values, attacked or records)
        else:
            wanted = {_meaning(value, records[0][name]) for value in values}
        if found != wanted:
            raise WrongOutcomeError(
                f"--{name}={text} is recorded as {sorted(found, key=str)}"
            )
    _check_seeds(records)


def _check_parts(
    field: str, texts: Sequence[str], records: Sequence[Mapping[str, Any]]
) -> set[str]:
    """Looks for every option that texts of parts name; the names that are wanted."""
    asked = [wanted_fields(field, text) for text in texts]
    for fields in asked:
        own = [record for record in records if record[field] == fields[field]]
        for name, text in fields.items():
            if not any(is_meant(text, record[name]) for record in own):
                raise WrongOutcomeError(f"{field}: {name}={text} is not recorded")
    return {fields[field] for fields in asked}


def _check_number(name: str, number: Any) -> None:
    if isinstance(number, int):
        if not -(2**31) <= number < 2**31:
            raise WrongOutcomeError(f"{name}={number} is no int32")
        return
    with np.errstate(all="ignore"):
        single = float(np.float32(number))
    if not math.isfinite(single):
        raise WrongOutcomeError(f"{name}={number} is {single} in float32")
    if number != 0 and single == 0:
        raise WrongOutcomeError(f"{name}={number} is 0 in float32")


def _meaning(text: str, recorded: Any) -> Any:
    """What a value of a flag means, read without the flag's own parser."""
    text = text.strip()
    if isinstance(recorded, str):
        return text
    with contextlib.suppress(ValueError):
        return int(text, 0) if isinstance(recorded, int) else float(text)
    with contextlib.suppress(ValueError):
        return float(text)
    return None if text == "none" else text


def _check_seeds(records: Sequence[Mapping[str, Any]]) -> None:
    """Distinct seeds must be distinct runs of chance, and not the same one."""
    seeds = sorted({record["seed"] for record in records})[:3]
    keys = {jax.random.key_data(key).tobytes() for key in keys_of(seeds)}
    if len(keys) != len(seeds):
        raise WrongOutcomeError(f"the seeds {seeds} are {len(keys)}")

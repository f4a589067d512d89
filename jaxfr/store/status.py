"""How far a store is: what is done, in whose hands, left and failed.

It goes by the files of the store alone, without JAX and without reading whole records,
and writes nothing.
"""

import collections
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from jaxfr.store.claims import Claim, look_at_claims
from jaxfr.store.folder import CLAIMS, host_and_process
from jaxfr.store.lines import options_part
from jaxfr.store.plans import Failure, read_failures, read_plans
from jaxfr.store.reading import StoreReader

# What names the program of a run that no plan names, near the beginning of its record.
_SETTINGS = ("dataset", "attack", "aggregator")
_SETTING = re.compile(rf'"({"|".join(_SETTINGS)})": ("(?:[^"\\]|\\.)*")'.encode())
_BEGINNING = 2000
_STATES = ("done", "running", "left", "failed")


class ProgramStatus(NamedTuple):
    """Of one program, how many runs there are, and what became of them."""

    program: str
    runs: int
    done: int
    running: int
    left: int  # in nobody's hands yet
    failed: int  # ended with an error, and neither done nor running since


class ProcessStatus(NamedTuple):
    """What a process works on, and how far it is."""

    host: str
    process: int
    shard: str  # as in "3 of 10"; empty if it does all
    program: str
    runs: int
    rounds_done: int | None  # of the runs together; None before it said so
    rounds: int | None


class StoreStatus(NamedTuple):
    """How far a store is."""

    programs: tuple[ProgramStatus, ...]
    processes: tuple[ProcessStatus, ...]
    failures: tuple[Failure, ...]  # of runs that are neither done nor running since

    @property
    def total(self) -> ProgramStatus:
        """All programs together."""
        counts = zip(*(one[1:] for one in self.programs), strict=True)
        return ProgramStatus("", *(list(map(sum, counts)) or 5 * [0]))


def status_of(store: StoreReader) -> StoreStatus:
    """Finds out how far a store is now."""
    # Records are read last: what is finished in between is then not taken for left.
    claims = look_at_claims(store.path / CLAIMS)
    failures = [*read_failures(store.path)]
    store.refresh()
    programs, done = _programs(store)
    sets = {
        "done": done,
        "running": {run for claim in claims for run in claim.runs},
        "failed": {run for failure in failures for run in failure.runs},
    }
    states = {
        run: next((name for name, runs in sets.items() if run in runs), "left")
        for run in programs
    }
    counted: dict[str, collections.Counter[str]] = {}
    for run, program in programs.items():
        counted.setdefault(program, collections.Counter())[states[run]] += 1
    return StoreStatus(
        tuple(
            ProgramStatus(program, count.total(), *(count[one] for one in _STATES))
            for program, count in counted.items()
        ),
        tuple(_process_status(claim, programs) for claim in claims),
        _last_failures(
            failures, [run for run, state in states.items() if state == "failed"]
        ),
    )


def _programs(store: StoreReader) -> tuple[dict[str, str], set[str]]:
    """The title of each run's program, and which runs are done.

    Those are the runs that somebody wants, of the same by several versions of the code
    the ones that were wanted last, and all others that are done.
    """
    held = dict.fromkeys(store.runs)
    of_options = {options_part(run): run for run in held}
    wanted: dict[str, tuple[str, str, bool]] = {}
    for plan in read_plans(store.path):
        for title, runs in plan.programs:
            for run in runs:
                wanted[options_part(run)] = run, title, plan.any_code
    programs = {run: title for run, title, _ in wanted.values()}
    done = {
        run
        for options, (run, _, any_code) in wanted.items()
        if run in held or (any_code and options in of_options)
    }
    others = [run for options, run in of_options.items() if options not in wanted]
    beginnings = store.beginnings(others, _BEGINNING)
    programs |= {run: _title(beginnings[run]) for run in others}
    return programs, done.union(others)


def _title(beginning: bytes) -> str:
    """Names the program of a record by what stands in its first bytes."""
    found = dict(_SETTING.findall(beginning))
    texts = [found.get(name.encode(), b'"?"') for name in _SETTINGS]
    return " ".join(str(json.loads(text)) for text in texts)


def _process_status(claim: Claim, programs: Mapping[str, str]) -> ProcessStatus:
    told = claim.progress
    titles = dict.fromkeys(programs.get(run, "?") for run in claim.runs)
    rounds = [told.get(name) for name in ("rounds_done", "rounds")]
    if told.get("run") not in claim.runs:  # it has not said anything of these yet
        rounds = [None, None]
    return ProcessStatus(
        *host_and_process(claim.writer),
        str(told.get("shard") or ""),
        ", ".join(titles),
        len(claim.runs),
        *(number if isinstance(number, int) else None for number in rounds),
    )


def _last_failures(
    failures: Sequence[Failure], failed: Collection[str]
) -> tuple[Failure, ...]:
    """The last failure of each run that has none but failures to show."""
    last = {run: failure for failure in failures for run in failure.runs}
    found: dict[Failure, list[str]] = {}
    for run in failed:
        found.setdefault(last[run], []).append(run)
    return tuple(one._replace(runs=tuple(runs)) for one, runs in found.items())

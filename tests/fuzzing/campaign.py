"""Attempts of all kinds for a while, in processes that may die of them."""

import collections
import dataclasses
import faulthandler
import multiprocessing
import pathlib
import re
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

from tests.fuzzing.judging import Find, Verdict, innermost, judge
from tests.fuzzing.kinds import KINDS, load_attempt

_SECONDS_TO_START = 240.0
# Beyond the time limit of an attempt, until a process counts as hanging.
_SECONDS_OF_GRACE = 20.0
_MOST_MEMORY = 10 * 2**30
_STACK, _REPORT = "stack.txt", "find.txt"


@dataclasses.dataclass
class Tally:
    """What came of a campaign so far.

    Attributes:
        outcomes: how often each outcome came, by kind.
        finds: the first of each defect, by type and place.
        repeats: how often each of them came.
    """

    outcomes: dict[str, collections.Counter[str]]
    finds: dict[tuple[str, str], Find] = dataclasses.field(default_factory=dict)
    repeats: collections.Counter[tuple[str, str]] = dataclasses.field(
        default_factory=collections.Counter
    )

    def count(self, kind: str, verdict: Verdict) -> bool:
        """Takes in a verdict; whether it is a defect that was not there before."""
        self.outcomes[kind][verdict.outcome] += 1
        if verdict.find is None:
            return False
        key = verdict.find.error, verdict.find.place
        self.repeats[key] += 1
        return self.finds.setdefault(key, verdict.find) is verdict.find


class Budget(NamedTuple):
    """How long a campaign goes on.

    Attributes:
        seconds: until no kind gets another turn; each gets one in any case.
        inputs: at most so many of each kind.
        first_seed: of each kind's first input.
    """

    seconds: float
    inputs: int
    first_seed: int = 0


def run_campaign(
    kinds: Sequence[str],
    budget: Budget,
    out: pathlib.Path | None,
    tell: Callable[[str], object],
) -> Tally:
    """Makes attempts of each kind in turn, until the budget is used.

    Args:
        kinds: names of ``KINDS``.
        budget: how long.
        out: folder that keeps the first input of each defect; None for none.
        tell: is told of each defect, in a line, as it is found.
    """
    tally = Tally({kind: collections.Counter() for kind in kinds})
    seeds = dict.fromkeys(kinds, budget.first_seed)
    last = budget.first_seed + budget.inputs
    end, waiting = time.monotonic() + budget.seconds, collections.deque(kinds)
    with tempfile.TemporaryDirectory(prefix="fuzzing-") as name:
        scratch = pathlib.Path(name)
        while waiting and (
            time.monotonic() < end or 0 in map(len, tally.outcomes.values())
        ):
            kind = waiting.popleft()
            turn = min(KINDS[kind].turn, budget.seconds / len(kinds))
            for verdict in _turn(kind, range(seeds[kind], last), turn, scratch):
                folder = scratch / f"{kind}-{seeds[kind]}"
                if tally.count(kind, verdict) and verdict.find is not None:
                    tell(str(verdict.find))
                    if out is not None:
                        _keep(verdict.find, folder, out)
                shutil.rmtree(folder, ignore_errors=True)
                seeds[kind] += 1
            if seeds[kind] < last:
                waiting.append(kind)
    return tally


def describe(tally: Tally) -> str:
    """A line for each kind, and one for all."""
    total: collections.Counter[str] = collections.Counter()
    lines = []
    for kind, outcomes in tally.outcomes.items():
        total += outcomes
        lines.append(f"{kind}: {_counts(outcomes)}")
    return "\n".join((*lines, f"all: {_counts(total)}, {len(tally.finds)} distinct"))


def _counts(outcomes: collections.Counter[str]) -> str:
    return (
        f"{outcomes.total()} inputs, {outcomes['accepted']} accepted, "
        f"{outcomes['refused']} refused, {outcomes['find']} finds"
    )


def _turn(
    kind: str, seeds: range, seconds: float, scratch: pathlib.Path
) -> Iterator[Verdict]:
    """Attempts of one kind in a process of its own, as long as it lives."""
    context, made = multiprocessing.get_context("spawn"), 0
    ours, theirs = context.Pipe()
    # The benchmark has children of its own, which a daemon may not.
    process = context.Process(
        target=_work, args=(theirs, kind, seeds, seconds, scratch)
    )
    process.start()
    theirs.close()
    patience = _SECONDS_TO_START
    try:
        while ours.poll(patience):
            verdict = ours.recv()
            if verdict is None:
                return
            patience = KINDS[kind].seconds + _SECONDS_OF_GRACE
            if isinstance(verdict, Verdict):
                yield verdict
                made += 1
        error, text = "Hang", "no answer"
    except EOFError:
        process.join()
        error, text = "Death", f"the process ended with {process.exitcode}"
    finally:
        process.kill()
        process.join()
    stack = scratch / _STACK
    trace = stack.read_text(errors="replace") if stack.exists() else ""
    frames = re.findall(r'File "([^"]+)", line (\d+)', trace)[::-1]
    place = innermost([(name, int(line)) for name, line in frames])
    yield Verdict("find", Find(kind, seeds[made], error, place, text, trace))


def _work(
    verdicts: Connection, kind: str, seeds: range, seconds: float, scratch: pathlib.Path
) -> None:
    """Makes attempts until the turn is over; None says that it is."""
    attempt, limit = load_attempt(kind), KINDS[kind].seconds
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    verdicts.send("ready")
    end = time.monotonic() + seconds
    with (scratch / _STACK).open("w") as stack:
        faulthandler.enable(stack)
        for seed in seeds:
            if seed > seeds.start and time.monotonic() > end:
                break
            folder = scratch / f"{kind}-{seed}"
            folder.mkdir()
            # Where the limit itself has no effect, as in compiled code.
            faulthandler.dump_traceback_later(limit + 5, file=stack, exit=True)
            verdicts.send(judge(kind, seed, attempt, folder, limit))
            faulthandler.cancel_dump_traceback_later()
    verdicts.send(None)


def _keep(find: Find, inputs: pathlib.Path, out: pathlib.Path) -> None:
    folder = out / f"{find.kind}-{find.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in inputs.iterdir() if inputs.exists() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, folder / path.name, symlinks=True, ignore=_odd_files)
        elif path.is_file():
            shutil.copy(path, folder / path.name)
    repeat = f"python -m tests.fuzzing --kinds={find.kind} --only={find.seed}"
    (folder / _REPORT).write_text(f"{find}\n\n{repeat}\n\n{find.trace}")


def _odd_files(folder: str, names: list[str]) -> list[str]:
    """Those that cannot be copied, such as a FIFO."""
    paths = {name: pathlib.Path(folder, name) for name in names}
    return [
        name
        for name, path in paths.items()
        if not (path.is_file() or path.is_dir() or path.is_symlink())
    ]

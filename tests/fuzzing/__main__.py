"""Looks for inputs that end in anything but a result or one line.

python -m tests.fuzzing --minutes=60 --out=finds

Ends with 1 if there is any. ``--only`` repeats one input, in this process.
"""

import argparse
import pathlib
import sys
import tempfile

from tests.fuzzing.campaign import Budget, describe, run_campaign
from tests.fuzzing.judging import judge
from tests.fuzzing.kinds import KINDS, load_attempt


def main() -> int:
    """Does what the command line says."""
    parser = argparse.ArgumentParser(prog="tests.fuzzing", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long")
    parser.add_argument("--kinds", default=",".join(KINDS), help="with commas")
    parser.add_argument(
        "--seed", type=int, default=0, help="of each kind's first input"
    )
    parser.add_argument("--inputs", type=int, default=10**9, help="most of each kind")
    parser.add_argument("--out", type=pathlib.Path, help="folder that keeps the finds")
    parser.add_argument("--only", type=int, help="the seed of a single input")
    chosen = parser.parse_args()
    kinds = chosen.kinds.split(",")
    unknown = sorted(set(kinds) - KINDS.keys())
    if unknown:
        parser.error(f"{unknown[0]}: kinds are {', '.join(KINDS)}")
    if chosen.only is not None:
        return max(_repeat(kind, chosen.only) for kind in kinds)
    budget = Budget(60 * chosen.minutes, chosen.inputs, chosen.seed)
    tally = run_campaign(
        kinds, budget, chosen.out, lambda line: print(line, flush=True)
    )
    print(describe(tally))
    return int(bool(tally.finds))


def _repeat(kind: str, seed: int) -> int:
    attempt = load_attempt(kind)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        verdict = judge(kind, seed, attempt, path, KINDS[kind].seconds)
        for file in sorted(path.rglob("*")):
            if file.is_file() and file.stat().st_size < 4000:
                print(f"{file.relative_to(path)}: {file.read_bytes()!r}")
    print(verdict.outcome, verdict.find and f"{verdict.find}\n{verdict.find.trace}")
    return int(verdict.find is not None)


if __name__ == "__main__":
    sys.exit(main())

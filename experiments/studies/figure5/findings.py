"""What the paper says of start rounds, held against the simulation."""

import itertools
from collections.abc import Mapping, Sequence

from experiments.studies.averages import average, chance, not_above
from experiments.studies.figure5.curves import (
    ATTACKS,
    CLEAN_CURVE,
    Curve,
    Runs,
    value_after,
)
from experiments.studies.names import attack_title, dataset_title
from experiments.studies.section import Finding

# As close as a cell of Table 3 is to come to the paper. Items stop, users learn on.
_STOPPED = 0.03
_OMNISCIENT, _LIMITED = ATTACKS


def find_all(found: Mapping[str, Runs], starts: Sequence[int]) -> list[Finding]:
    """All findings, data set by data set."""
    findings = []
    for dataset, runs in found.items():
        findings += [
            _freezes(dataset, runs, starts),
            _collapses(dataset, runs, starts),
            *(_earlier_is_worse(dataset, runs, starts, a) for a in ATTACKS),
        ]
    return findings


def _freezes(dataset: str, runs: Runs, starts: Sequence[int]) -> Finding:
    statement = (
        f"{dataset_title(dataset)}: {attack_title(_OMNISCIENT)} keeps the recommender "
        f"from converging any further once it starts (HR@10 within {_STOPPED:g})"
    )
    changes, told = [], []
    for start in starts:
        records = runs[Curve(_OMNISCIENT, start)]
        before, after = value_after(records, start), average(records).mean
        if before is None:
            why = f"no run was evaluated after {start} rounds, where an attack starts"
            return Finding(statement, None, why)
        changes.append(abs(after - before))
        told.append(f"round {start} {before:.3f} to {after:.3f}")
    clean = average(runs[CLEAN_CURVE]).mean
    evidence = (
        f"HR@10 at the start and in the end: {', '.join(told)}; the clean run ends "
        f"with {clean:.3f}"
    )
    return Finding(statement, max(changes) <= _STOPPED, evidence)


def _collapses(dataset: str, runs: Runs, starts: Sequence[int]) -> Finding:
    curves = [runs[Curve(_LIMITED, start)] for start in starts]
    ends, level = [average(records).mean for records in curves], chance(curves[0])
    told = _by_start(starts, ends)
    return Finding(
        f"{dataset_title(dataset)}: {attack_title(_LIMITED)} makes the performance "
        "collapse from whichever round it starts (HR@10 below chance in the end)",
        max(ends) < level,
        f"HR@10 in the end by start round: {told}; chance is {level:.3f}",
    )


def _earlier_is_worse(
    dataset: str, runs: Runs, starts: Sequence[int], attack: str
) -> Finding:
    ends = [average(runs[Curve(attack, start)]) for start in starts]
    ascending = all(not_above(a, b) for a, b in itertools.pairwise(ends))
    return Finding(
        f"{dataset_title(dataset)}: {attack_title(attack)} is the stronger, the "
        "earlier it starts",
        ascending and ends[0].mean < ends[-1].mean,
        "HR@10 in the end by start round: "
        f"{_by_start(starts, [end.mean for end in ends])}; a step down within two "
        "standard errors counts as none",
    )


def _by_start(starts: Sequence[int], ends: Sequence[float]) -> str:
    pairs = zip(starts, ends, strict=True)
    return ", ".join(f"{start}: {end:.3f}" for start, end in pairs)

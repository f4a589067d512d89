"""What the paper says of Table 3, held against the simulation, data set by data set."""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.studies.averages import (
    HIT_RATIO,
    Average,
    average,
    chance,
    not_above,
    with_bound,
)
from experiments.studies.names import dataset_title
from experiments.studies.paper_numbers import paper_number
from experiments.studies.section import Finding
from experiments.studies.table3.forms import (
    CLEAN_FORM,
    DENSE,
    DUPLICATES,
    IN_PAPER,
    SPARSE,
    SPATTACKS,
    Form,
    Runs,
    form_title,
    present,
)

# How far from the paper's HR@10 a mean may be and count as reproduced.
CLOSE = 0.03
_STEAM = "steam"


class Closeness(NamedTuple):
    """How many cells come close to the paper.

    Attributes:
        cells: how many cells the paper has.
        close: the forms within ``CLOSE`` of it.
        apart: the others, in words.
    """

    cells: int
    close: tuple[Form, ...]
    apart: tuple[str, ...]


def find_all(found: Mapping[str, Runs]) -> list[Finding]:
    """All findings: those of each data set, then those that compare data sets."""
    findings = []
    for dataset, runs in found.items():
        findings += [
            _reproduced(dataset, runs),
            _beats_baselines(dataset, runs),
            _prevents_convergence(dataset, runs),
            *_everywhere_at_least_as_strong(dataset, runs),
            *_order_of_variants(dataset, runs),
        ]
    return [*findings, _steam_drops_more(found)]


def closeness(dataset: str, runs: Runs, metric: str = HIT_RATIO) -> Closeness | None:
    """Compares the columns of the paper; None for a data set that it does not have."""
    close, apart = [], []
    for form in IN_PAPER:
        paper = paper_number(dataset, form.attack, metric)
        if paper is None:
            return None
        value = average(runs[form], metric).mean
        if abs(value - paper.value) <= CLOSE:
            close.append(form)
        else:
            apart.append(f"{form_title(form)} {value:.3f} for {paper.value:.3f}")
    return Closeness(len(IN_PAPER), tuple(close), tuple(apart))


def _reproduced(dataset: str, runs: Runs) -> Finding:
    statement = (
        f"{dataset_title(dataset)}: every HR@10 of the table comes out within {CLOSE:g}"
    )
    counted = closeness(dataset, runs)
    if counted is None:
        return Finding(statement, None, "the paper does not have this data set")
    evidence = f"{len(counted.close)} of {counted.cells} columns"
    if counted.apart:
        evidence += f"; simulated and in the paper: {', '.join(counted.apart)}"
    again = [_against_paper(dataset, runs, form) for form in present(runs, DUPLICATES)]
    if again:
        evidence += f". With duplicate rows: {', '.join(again)}"
    return Finding(statement, not counted.apart, evidence)


def _against_paper(dataset: str, runs: Runs, form: Form) -> str:
    paper = paper_number(dataset, form.attack, HIT_RATIO)
    against = "" if paper is None else f" for {paper.value:.3f}"
    return f"{form_title(form)} {average(runs[form]).mean:.3f}{against}"


def _beats_baselines(dataset: str, runs: Runs) -> Finding:
    sparse = present(runs, SPARSE)
    means = {form: average(runs[form]).mean for form in (*DENSE, *sparse, *SPATTACKS)}
    weakest = max(SPATTACKS, key=means.__getitem__)
    strongest = min(DENSE, key=means.__getitem__)
    evidence = (
        f"HR@10 under the weakest Spattack, {form_title(weakest)}, {means[weakest]:.3f}"
        f"; under the strongest baseline, {form_title(strongest, full=True)}, "
        f"{means[strongest]:.3f}"
    )
    if sparse:
        received = min(sparse, key=means.__getitem__)
        evidence += (
            f", over received rows {form_title(received)}, {means[received]:.3f}"
        )
    papers = [
        paper_number(dataset, form.attack, HIT_RATIO) for form in (weakest, strongest)
    ]
    if papers[0] is not None and papers[1] is not None:
        evidence += f"; in the paper {papers[0].value:.3f} and {papers[1].value:.3f}"
    return Finding(
        f"{dataset_title(dataset)}: every Spattack outperforms every baseline (dense)",
        means[weakest] < means[strongest],
        evidence,
    )


def _prevents_convergence(dataset: str, runs: Runs) -> Finding:
    values = {form: average(runs[form]) for form in SPATTACKS}
    strongest = min(SPATTACKS, key=lambda form: values[form].mean)
    level, clean = chance(runs[CLEAN_FORM]), average(runs[CLEAN_FORM])
    value = values[strongest]
    return Finding(
        f"{dataset_title(dataset)}: with 3 % malicious clients Spattack can prevent "
        "convergence",
        value.mean <= level + 2 * value.bound,
        f"HR@10 of {value.mean:.3f} under {form_title(strongest)}, where chance is "
        f"{level:.3f} and the clean run has {clean.mean:.3f}",
    )


def _everywhere_at_least_as_strong(dataset: str, runs: Runs) -> list[Finding]:
    findings = []
    for letter, knowledge in (("o", "omniscient"), ("l", "limited")):
        every, some = (
            average(runs[Form(f"spattack_{letter}_{capability}")])
            for capability in ("d", "s")
        )
        findings.append(
            Finding(
                f"{dataset_title(dataset)}: poisoning all items (D) is at least as "
                f"strong as poisoning some (S) for the {knowledge} attacker",
                not_above(every, some),
                f"HR@10 {with_bound(every)} and {with_bound(some)}",
            )
        )
    return findings


def _order_of_variants(dataset: str, runs: Runs) -> list[Finding]:
    """The paper's own order on this data set, up to the noise between neighbours."""
    papers = {
        form: paper.value
        for form in SPATTACKS
        if (paper := paper_number(dataset, form.attack, HIT_RATIO)) is not None
    }
    if not papers:
        return []
    order = sorted(papers, key=papers.__getitem__, reverse=True)
    values = [average(runs[form]) for form in order]
    names = " > ".join(form_title(form).removeprefix("Spattack-") for form in order)
    return [
        Finding(
            f"{dataset_title(dataset)}: HR@10 stands in the order {names}",
            all(not_above(b, a) for a, b in itertools.pairwise(values)),
            f"{_listed(values)}; in the paper "
            f"{', '.join(f'{papers[form]:.3f}' for form in order)}; neighbours within "
            "two standard errors count as in order",
        )
    ]


def _steam_drops_more(found: Mapping[str, Runs]) -> Finding:
    statement = "Steam drops more than the other data sets under Spattack"
    if _STEAM not in found or len(found) < 2:
        return Finding(statement, None, "needs runs on steam and on another data set")
    for dataset, runs in found.items():
        if not average(runs[CLEAN_FORM]).mean > 0:
            why = f"the clean run on {dataset_title(dataset)} hits nothing"
            return Finding(statement, None, why)
    drops = {dataset: _drops(runs) for dataset, runs in found.items()}
    means = {dataset: statistics.fmean(values) for dataset, values in drops.items()}
    told = [
        f"{dataset_title(dataset)} {means[dataset]:.0f} % "
        f"({', '.join(f'{drop:.0f}' for drop in values)})"
        for dataset, values in drops.items()
    ]
    others = [mean for dataset, mean in means.items() if dataset != _STEAM]
    return Finding(
        statement,
        means[_STEAM] > max(others),
        f"HR@10 drops, mean of the four (L-S, L-D, O-S, O-D): {'; '.join(told)}",
    )


def _drops(runs: Runs) -> list[float]:
    """What each Spattack takes off the clean HR@10, in percent."""
    clean = average(runs[CLEAN_FORM]).mean
    return [100 * (1 - average(runs[form]).mean / clean) for form in SPATTACKS]


def _listed(values: Sequence[Average]) -> str:
    return ", ".join(with_bound(value) for value in values)

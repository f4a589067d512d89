"""Table 3: Spattack against six baseline attacks, without any defense."""

from collections.abc import Sequence
from typing import NamedTuple

from experiments.studies.averages import average, with_deviation, with_error
from experiments.studies.names import dataset_title
from experiments.studies.paper_numbers import paper_number
from experiments.studies.section import Picture, Section, Table
from experiments.studies.study import Material, Study
from experiments.studies.table3.findings import CLOSE, closeness, find_all
from experiments.studies.table3.forms import (
    BESIDE,
    IN_PAPER,
    Form,
    Runs,
    form_title,
    present,
)
from experiments.studies.table3.picture import draw_comparison
from experiments.studies.variants import (
    Variant,
    cross_with_bases,
    describe_bases,
    runs_by_dataset,
)
from jaxfr.evaluation.names import metric_names
from jaxfr.records.table import heading
from jaxfr.sweeps.request import RunRequest

NAME = "table3"
DECIDES = (
    *("model", "aggregator", "malicious_ratio", "attack"),
    *("repeated_negatives", "eval_every"),
)
MALICIOUS_RATIO = 0.03

_TEXT = (
    "FedMF, the mean as aggregator, 3 % malicious clients: the clean run, six baseline "
    "attacks and the four Spattacks. The metrics are those after the last round, over "
    "benign users.",
    "A simulated number is the mean over the seeds, its standard error their deviation "
    "over the root of their number. The paper says neither how many seeds its numbers "
    "are means of nor how they vary; they are taken for those of one run, with the "
    "standard error sqrt(p (1 - p) / users), exact for a hit ratio and a bound for "
    "nDCG.",
    "Baselines: the paper's numbers come out with statistics over all clients, zeros "
    "for those that sent an item nothing (dense); that the paper computed them so is "
    "an inference from its numbers. Over the rows that an item received (sparse) the "
    "same attacks are a fairer comparison, and Fang is as strong as Spattack. The "
    "paper's baselines are measured against another clean run than its clean column, "
    "so that differences of a few percent between them are noise.",
    "Spattack-O uploads the exact negative of the benign sum, so that every poisoned "
    "item stays at its random start, and the recommender at chance (HR@10 of 0.10), on "
    "every data set. The paper is higher on ML-1M and on Steam. On ML-1M the likely "
    "reason is that the reference implementation keeps a negative that was drawn twice "
    "as two rows and loses one of them from the attackers' sum, so that what is "
    "cancelled is not all that is sent; the rows marked so repeat that. On Steam the "
    "difference is unexplained.",
)


class _Comparison(NamedTuple):
    """A cell of the simulation and, if there is one, its cell of the paper."""

    paper: str
    simulated: str
    difference: str


def study(beside: Sequence[Form] = BESIDE) -> Study:
    """Table 3 as a study.

    Args:
        beside: the forms that stand beside the paper's, of ``BESIDE``.
    """
    forms = (*IN_PAPER, *beside)
    variants = [Variant(form, _changes(form)) for form in forms]

    def wanted(bases: Sequence[RunRequest]) -> list[RunRequest]:
        return cross_with_bases(bases, variants)

    def show(material: Material) -> Section:
        found: dict[str, Runs] = {**runs_by_dataset(material, variants)}
        return _present(material, found, beside)

    return Study(NAME, DECIDES, wanted, show)


def _changes(form: Form) -> dict[str, object]:
    return {
        "model": "fedmf",
        "aggregator": "mean",
        "malicious_ratio": MALICIOUS_RATIO,
        "attack": form.attack + (f":scope={form.scope}" if form.scope else ""),
        "repeated_negatives": form.repeated_negatives,
        "eval_every": 0,
    }


def _present(
    material: Material, found: dict[str, Runs], beside: Sequence[Form]
) -> Section:
    picture = Picture(
        f"{NAME}.png",
        "HR@10 in the paper (circles) and in the simulation, with two standard errors; "
        "the lower, the stronger the attack.",
        lambda path: draw_comparison(found, path),
    )
    return Section(
        "Table 3: Spattack and baseline attacks on FedMF",
        (describe_bases(material.bases, DECIDES), *_TEXT),
        (
            _layout(
                "Simulation, laid out as in the paper: mean ± standard deviation over "
                "seeds, in brackets the change against clean. Baselines dense.",
                found,
                IN_PAPER,
            ),
            *_not_in_paper(found, beside),
            *(
                _side_by_side(name, runs, metrics)
                for name, runs in found.items()
                for metrics in (metric_names()[:2], metric_names()[2:])
            ),
            *_counts(found),
        ),
        (picture,),
        tuple(find_all(found)),
    )


def _not_in_paper(found: dict[str, Runs], beside: Sequence[Form]) -> list[Table]:
    if not beside:
        return []
    caption = (
        "Simulation, what the paper does not have: baselines over received rows, and "
        "Spattack-O with duplicate rows."
    )
    return [_layout(caption, found, (IN_PAPER[0], *beside))]


def _layout(caption: str, found: dict[str, Runs], forms: Sequence[Form]) -> Table:
    """Rows of data set and metric, a column for each attack."""
    rows = []
    for dataset, runs in found.items():
        for metric in metric_names():
            cells = [_changed(runs, form, metric) for form in forms]
            rows.append((dataset_title(dataset), heading(metric), *cells))
    titles = tuple(form_title(form) for form in forms)
    return Table(caption, ("data set", "metric", *titles), tuple(rows))


def _changed(runs: Runs, form: Form, metric: str) -> str:
    value, clean = average(runs[form], metric), average(runs[IN_PAPER[0]], metric)
    text = with_deviation(value)
    if form == IN_PAPER[0] or value.runs == 0 or not clean.mean > 0:
        return text
    # (Rounded to a whole number first, which has no minus before zero.)
    return f"{text} ({round(100 * (value.mean / clean.mean - 1)):+d} %)"


def _side_by_side(dataset: str, runs: Runs, metrics: Sequence[str]) -> Table:
    header, rows = ["attack"], []
    for metric in metrics:
        name = heading(metric)
        header += [f"{name} paper", f"{name} simulation", f"{name} difference"]
    for form in present(runs, (*IN_PAPER, *BESIDE)):
        row = [form_title(form, full=True)]
        for metric in metrics:
            row += _compare(dataset, runs, form, metric)
        rows.append(tuple(row))
    shown = " and ".join(map(heading, metrics))
    return Table(
        f"{dataset_title(dataset)}, {shown}: value ± its standard error.",
        tuple(header),
        tuple(rows),
    )


def _compare(dataset: str, runs: Runs, form: Form, metric: str) -> _Comparison:
    value = average(runs[form], metric)
    simulated = with_error(value.mean, value.standard_error)
    paper = paper_number(dataset, form.attack, metric)
    if paper is None:
        return _Comparison("-", simulated, "-")
    return _Comparison(
        with_error(paper.value, paper.standard_error),
        simulated,
        f"{value.mean - paper.value:+.4f}",
    )


def _counts(found: dict[str, Runs]) -> list[Table]:
    rows = []
    for dataset, runs in found.items():
        counts = [closeness(dataset, runs, metric) for metric in metric_names()]
        if all(count is not None for count in counts):
            cells = [f"{len(c.close)} of {c.cells}" for c in counts if c is not None]
            rows.append((dataset_title(dataset), *cells))
    if not rows:
        return []
    metrics = tuple(heading(metric) for metric in metric_names())
    caption = f"Cells of Table 3 whose simulated mean is within {CLOSE:g} of the paper."
    return [Table(caption, ("data set", *metrics), tuple(rows))]

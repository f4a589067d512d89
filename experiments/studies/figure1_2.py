"""Figures 1 and 2: sparse against dense aggregation, and which items fall."""

import math
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from experiments.studies import figure1
from experiments.studies.base import (
    Finding,
    Material,
    Picture,
    Section,
    Study,
    Table,
    check_some_of,
    data_alone,
    studied_datasets,
)
from jaxfr import theory
from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import malicious_client_count, spattack_o_d
from jaxfr.data import TAIL_DEGREE, Dataset, degree_distribution
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.records import (
    NEUTRAL,
    PALETTE,
    dataset_title,
    legend_below,
    picture,
    rows_and_columns,
    set_title,
)
from jaxfr.sweeps import RunRequest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "figure1_2"
MALICIOUS_RATIO = 0.10
COMPARED = ("mean", "median", "trimmed_mean", "krum", "norm")
TRAINED_ROUNDS = 100

_TEXT = (
    "Figures 1 and 2 of the paper explain and show no results. What they explain is "
    "measured here on single rounds: what all benign clients upload in a round, what "
    "malicious clients add, and what each rule makes of both. One seed; training "
    "before the round is clean, under the mean.",
    "Figure 1: the same uploads are aggregated twice. Sparse, a rule sees the rows "
    "that an item received; dense, every client that sent an item nothing counts as a "
    "zero row, as in general federated learning. Noise carries an item off if its "
    "aggregate leaves the range of the item's benign rows (dense: and zero) in some "
    "coordinate: benign rows alone, however weighted, cannot bring it there.",
    "Figure 2 and Proposition 2: an item falls under the median when malicious rows "
    "are at least half of its rows. The paper counts an item's interactions as its "
    "benign rows. But benign clients also upload rows of the negative items that they "
    "drew, about one for each pair, evenly over all items: an item has more benign "
    "rows than interactions, and fewer items fall. The power law is fitted by maximum "
    "likelihood, with the least degree that it describes chosen by the "
    "Kolmogorov-Smirnov distance (Clauset et al. 2009); items below that degree count "
    "as fallen. The law of all items is fitted from degree 1 on, however well it "
    "describes them.",
)


def study(
    aggregators: Sequence[str] = COMPARED,
    malicious_ratio: float = MALICIOUS_RATIO,
    trained_rounds: int = TRAINED_ROUNDS,
) -> Study:
    """The study of Figures 1 and 2, which needs no whole run.

    The round that is taken apart for Figure 1 comes after so many rounds of clean
    training, as far as a run has as many.
    """
    check_some_of("aggregators", aggregators, AGGREGATORS)

    def present(material: Material) -> Section:
        found = [
            _look(base, dataset, aggregators, malicious_ratio, trained_rounds)
            for base, dataset in studied_datasets(material)
        ]
        return Section(
            title="Figures 1 and 2: sparse aggregation, and the items that fall",
            text=_TEXT,
            tables=tuple(table for section in found for table in section.tables),
            pictures=tuple(p for section in found for p in section.pictures),
            findings=tuple(f for section in found for f in section.findings),
        )

    return data_alone(NAME, figure1.DECIDED, present)


def _look(
    base: RunRequest,
    dataset: Dataset,
    aggregators: Sequence[str],
    malicious_ratio: float,
    trained_rounds: int,
) -> Section:
    """What is shown of one data set."""
    name, degree = dataset_title(dataset.name), dataset.item_popularity
    finished = 0, min(trained_rounds, base.rounds)
    moments = figure1.clean_moments(base, dataset, finished)
    attacked = Experiment(attack=spattack_o_d(), malicious_ratio=malicious_ratio)
    malicious = attacked.with_data(dataset.num_users, dataset.name).malicious_clients
    assert isinstance(malicious, int)
    by_round = [
        (moment.finished, figure1.compare(base, moment, aggregators, malicious))
        for moment in moments
    ]
    last, outcomes = by_round[-1]
    laws = fit_laws(degree)
    fallen = count_fallen(base, moments[-1], degree, laws)
    heading, stem = f"{name}, {malicious:,} malicious clients", file_stem(dataset.name)
    noise = (
        f"{name}, round {last}: noise of {100 * malicious_ratio:g} % malicious clients "
        f"({malicious:,})"
    )
    return Section(
        name,
        tables=(
            figure1.broken_table(heading, by_round, degree),
            figure1.moves_table(f"{heading}, round {last}", outcomes, degree),
            figure1.left_table(name, by_round, degree),
            fallen_table(f"{name}, round {last}", fallen),
            *([] if laws is None else [law_table(name, laws)]),
        ),
        pictures=(
            Picture(
                f"figure1_{stem}.png",
                f"Figure 1 on {name}: one round's uploads in both forms of "
                "aggregation, by item degree. Left and middle: share of items that the "
                "malicious noise carries out of the range of their benign rows. Right: "
                "how much of a clean update the dense form leaves, median of the "
                "items.",
                lambda path, width: figure1.draw_outcomes(
                    outcomes, degree, noise, path, width
                ),
            ),
            Picture(
                f"figure2_degrees_{stem}.png",
                f"Figure 2 (c) on {name}. Left: the items by popularity; right: the "
                "distribution of their degrees with its power laws.",
                lambda path, width: draw_degrees(
                    dataset, laws, f"Item degrees of {name}", path, width
                ),
            ),
            Picture(
                f"figure2_falling_{stem}.png",
                f"Proposition 2 on {name}: the share of all items that fall under the "
                f"median, by formula, by counting, and in round {last} with the noise "
                "of Spattack-L-D.",
                lambda path, width: draw_fallen(
                    fallen, f"{name}: items that fall under the median", path, width
                ),
            ),
        ),
        findings=(
            *figure1.aggregation_findings(name, outcomes, degree),
            figure1.proposition_1(name, base, moments[-1]),
            *falling_findings(name, degree, laws, fallen),
        ),
    )


def file_stem(name: str) -> str:
    """A data set's name as part of a file's name: letters, digits, ``-`` and ``_``."""
    return "".join(
        letter if letter.isalnum() or letter in "-_" else "_" for letter in name
    )


# --- Proposition 2: which items fall ---

# The median's breakdown point alpha.
BREAKDOWN_POINT = 0.5
SHARES = (0.01, 0.03, 0.05, 0.10, 0.15)


class Laws(NamedTuple):
    """Power laws of item degrees: one with a fitted minimum, one of all from 1 on.

    The shares are those of all items that each describes.
    """

    fitted: theory.PowerLawFit
    whole: theory.PowerLawFit
    tail_share: float
    whole_share: float


class Fallen(NamedTuple):
    """Shares of items that fall under the median, from 0 to 1.

    There are so many malicious clients, each poisoning every item. Without a law what
    needs one is nan; so is what the fitted law says nothing of, but ``of_described`` is
    0 there.
    """

    malicious_ratio: float
    malicious_clients: int
    of_described: float  # Proposition 2, of the items that the fitted law describes
    closed_form: float  # the same law, of all items
    discrete: float  # the discrete law
    whole_law: float  # closed form of the law of all items
    described_by_degree: float  # counted on interactions, of items described
    by_degree: float  # counted on the data's interactions
    by_rows: float  # counted on the rows that benign clients upload for each item
    simulated: float  # that Spattack-L-D's noise carried off in a round


def fit_laws(degree: np.ndarray) -> Laws | None:
    """Fits both laws; None where there are too few items to fit anything to."""
    try:
        fitted, whole = (
            theory.fit_power_law(degree),
            theory.fit_power_law(degree, minimum_degree=1),
        )
    except InvalidInputError:
        return None
    shares = (law.num_tail_items / len(degree) for law in (fitted, whole))
    return Laws(fitted, whole, *shares)


def count_fallen(
    base: RunRequest,
    moment: figure1.Moment,
    degree: np.ndarray,
    laws: Laws | None,
    shares: Sequence[float] = SHARES,
) -> list[Fallen]:
    """Finds the share of fallen items at each malicious share, in every way."""

    def counted(rows: np.ndarray) -> float:
        return theory.broken_share_counted(rows, malicious, BREAKDOWN_POINT)

    found = []
    for share in shares:
        malicious = malicious_client_count(moment.layout.num_clients, share)
        attacked = figure1.aggregate(
            base, moment, figure1.Form("median", "sparse"), figure1.NOISE, malicious
        )
        carried = figure1.carried_off(attacked, moment.benign, dense=False)
        described = math.nan
        if laws is not None:
            described = counted(degree[degree >= laws.fitted.minimum_degree])
        found.append(
            Fallen(
                *(share, malicious, *_by_law(laws, malicious), described),
                *(counted(degree), counted(np.asarray(moment.benign.received))),
                float(np.mean(carried)) if malicious else 0.0,
            )
        )
    return found


def _by_law(laws: Laws | None, malicious: int) -> tuple[float, float, float, float]:
    """``of_described``, ``closed_form``, ``discrete`` and ``whole_law``."""
    nothing = math.nan
    if laws is None:
        return nothing, nothing, nothing, nothing
    fitted, whole_law = laws.fitted, nothing
    falls_to = theory.breakdown_degree(malicious, BREAKDOWN_POINT)
    if falls_to >= 1:
        whole = laws.whole.exponent, 1, malicious, BREAKDOWN_POINT
        whole_law = theory.broken_share_power_law(*whole, laws.whole_share)
    if falls_to < fitted.minimum_degree:
        return 0.0, nothing, nothing, whole_law
    law = fitted.exponent, fitted.minimum_degree, malicious, BREAKDOWN_POINT
    return (
        theory.broken_share_power_law(*law),
        theory.broken_share_power_law(*law, laws.tail_share),
        theory.broken_share_discrete_power_law(*law, laws.tail_share),
        whole_law,
    )


# --- Tables ---


def fallen_table(heading: str, fallen: Sequence[Fallen]) -> Table:
    """Which items fall at which malicious share."""
    rows = []
    for found in fallen:
        closed_form = figure1.NOTHING
        if not math.isnan(found.closed_form):
            closed_form = figure1.percent(100 * found.closed_form)
            closed_form += f" ({100 * found.of_described:.1f})"
        shares = found.discrete, found.whole_law, found.by_degree, found.by_rows
        rows.append(
            (
                f"{100 * found.malicious_ratio:g} %",
                f"{found.malicious_clients:,}",
                closed_form,
                *(figure1.percent(100 * share) for share in (*shares, found.simulated)),
            )
        )
    return Table(
        f"{heading}: items that fall under the median, in percent of all items. The "
        "closed form in brackets: of the items that the fitted law describes, as the "
        "paper writes it.",
        (
            "malicious share",
            "malicious rows of an item",
            "Proposition 2, fitted law",
            "the same, discrete law",
            "Proposition 2, law of all items",
            "counted on interactions",
            "counted on uploaded rows",
            "simulated, Spattack-L-D",
        ),
        tuple(rows),
    )


def law_table(name: str, laws: Laws) -> Table:
    """The fitted power laws."""
    return Table(
        f"{name}: power laws of the items' degrees; exponent with its standard error. "
        "Distance: the largest between the law's and the items' distribution.",
        ("law", "exponent β", "from degree", "items described", "distance"),
        tuple(
            (
                label,
                f"{law.exponent:.3f} ± {law.standard_error:.3f}",
                str(law.minimum_degree),
                f"{law.num_tail_items:,} ({100 * share:.1f} %)",
                f"{law.ks_distance:.3f}",
            )
            for label, law, share in (
                ("fitted", laws.fitted, laws.tail_share),
                ("of all items", laws.whole, laws.whole_share),
            )
        ),
    )


# --- Findings ---

STEAM = "Steam"

# What the paper says of it: percent of items in the tail, and n~ at 5 %.
PAPER_TAIL_PERCENT = 97
PAPER_RATIO, PAPER_MALICIOUS = 0.05, 197

# Shares of items, from 0 to 1, that count as the same: of a law and the items that it
# was fitted to, of two ways to count in one round; percent of the tail.
LAW_TOLERANCE, ROUND_TOLERANCE, TAIL_TOLERANCE = 0.02, 0.005, 2.0
_POINTS = f"{100 * LAW_TOLERANCE:g}"

_Pair = Callable[[Fallen], tuple[float, float]]


def falling_findings(
    name: str, degree: np.ndarray, laws: Laws | None, fallen: Sequence[Fallen]
) -> list[Finding]:
    """The statements of Figure 2 and Proposition 2."""
    # Where the fitted law says anything.
    said = [found for found in fallen if not math.isnan(found.closed_form)]
    silence = "there are too few items to fit a law to"
    if laws is not None:
        silence = (
            f"the fitted law says nothing of degrees below "
            f"{laws.fitted.minimum_degree}, and describes {laws.fitted.num_tail_items} "
            "items"
        )

    def of_law(
        statement: str,
        what: str,
        shares: _Pair,
        excess: Callable[[float], float],
        added: str = "",
        otherwise: str = "",
    ) -> Finding:
        """Whether no share of a formula exceeds the counted one by the tolerance.

        A single one that does answers it; that none does takes a law that says
        something at every malicious share.
        """
        statement = f"{name}: {statement}"
        if not said:
            return Finding(statement, None, silence + otherwise)
        holds = True if len(said) == len(fallen) else None
        for found in said:
            formula, counted = shares(found)
            if excess(formula - counted) > LAW_TOLERANCE:
                holds = False
        return Finding(statement, holds, _pairs("formula", what, said, shares) + added)

    counted = _pairs(
        "counted", "simulated", fallen, lambda f: (f.by_degree, f.simulated)
    )
    return [
        *(_of_steam(degree, fallen) if name == STEAM else ()),
        # With what the formula leaves out counted: easier to meet than the next.
        of_law(
            "Proposition 2's formula, with a fitted law, is the share of all items "
            f"whose interactions are too few (within {_POINTS} points)",
            "counted",
            lambda f: (f.closed_form, f.by_degree),
            abs,
            "; of items below the law's least degree all count as fallen",
        ),
        # The formula alone, on the items that the law was fitted to.
        of_law(
            "the degrees of the items that the fitted law describes follow it: "
            "Proposition 2's formula is the share of them that is counted (within "
            f"{_POINTS} points)",
            "counted",
            lambda f: (f.of_described, f.described_by_degree),
            abs,
        ),
        Finding(
            f"{name}: in a simulated round under the median exactly those items fall "
            "of whose rows at least half are malicious (within "
            f"{100 * ROUND_TOLERANCE:g} points)",
            all(abs(f.by_rows - f.simulated) <= ROUND_TOLERANCE for f in fallen),
            _pairs("counted", "simulated", fallen, lambda f: (f.by_rows, f.simulated)),
        ),
        # The Proposition's "at least", against what fell.
        of_law(
            "at least the share of items that Proposition 2 gives is broken "
            f"(within {_POINTS} points, fitted law)",
            "simulated",
            lambda f: (f.closed_form, f.simulated),
            float,
            "; negatives bring every item further benign rows",
            f"; by interactions alone, {counted}",
        ),
    ]


def _of_steam(degree: np.ndarray, fallen: Sequence[Fallen]) -> list[Finding]:
    tail = 100 * float(np.mean(degree < TAIL_DEGREE))
    malicious = [
        f.malicious_clients for f in fallen if f.malicious_ratio == PAPER_RATIO
    ]
    return [
        Finding(
            f"{STEAM}: {PAPER_TAIL_PERCENT} % of the items have fewer than "
            f"{TAIL_DEGREE} interactions (within {TAIL_TOLERANCE:g} points)",
            abs(tail - PAPER_TAIL_PERCENT) <= TAIL_TOLERANCE,
            f"{tail:.1f} %",
        ),
        Finding(
            f"{STEAM}: with {100 * PAPER_RATIO:g} % malicious clients an item receives "
            f"at most {PAPER_MALICIOUS} malicious rows",
            malicious == [PAPER_MALICIOUS] if malicious else None,
            ", ".join(map(str, malicious)) or "that share was not looked at",
        ),
    ]


def _pairs(first: str, second: str, fallen: Sequence[Fallen], values: _Pair) -> str:
    """Two shares by malicious share, as ``1 %: 86.9 / 73.9``."""
    parts = []
    for found in fallen:
        one, other = values(found)
        parts.append(
            f"{100 * found.malicious_ratio:g} %: {100 * one:.1f} / {100 * other:.1f}"
        )
    return f"{first} / {second} in percent, by malicious share: {', '.join(parts)}"


# --- Pictures ---

_HEAD, _TAIL = PALETTE[:2]


def draw_degrees(
    dataset: Dataset, laws: Laws | None, title: str, path: pathlib.Path, width: float
) -> None:
    """Draws items by popularity, as the paper does, and their degrees' distribution."""
    degree, distribution = dataset.item_popularity, degree_distribution(dataset)
    rows, columns = rows_and_columns(2, width, least=2.5)
    with picture(path, width, 2.8 * rows) as figure:
        ranked, shares = figure.subplots(rows, columns).flat
        popular_first = np.sort(degree)[::-1]
        rank = np.arange(1, len(degree) + 1)
        head = int(np.sum(degree >= TAIL_DEGREE))
        for low, high, colour, name in (
            (0, head, _HEAD, f"head: {TAIL_DEGREE} or more"),
            (head, len(degree), _TAIL, f"tail: fewer than {TAIL_DEGREE}"),
        ):
            label = f"{name} ({100 * (high - low) / len(degree):.1f} % of the items)"
            reach = slice(low, high)
            ranked.fill_between(
                rank[reach], popular_first[reach], color=colour, alpha=0.6, label=label
            )
        ranked.set(
            xlabel="items, the most popular first",
            ylabel="item degree (interactions)",
            xlim=(1, len(degree)),
        )
        ranked.set_ylim(bottom=0)
        ranked.legend(frameon=False)
        shown = distribution.degree > 0
        shares.plot(
            distribution.degree[shown],
            distribution.ccdf[shown],
            ".",
            color=NEUTRAL,
            label="items",
        )
        if laws is not None:
            for law, share, style in (
                (laws.fitted, laws.tail_share, "-"),
                (laws.whole, laws.whole_share, "--"),
            ):
                _draw_law(shares, law, share, int(degree.max()), style)
        shares.set(
            xscale="log",
            yscale="log",
            xlabel="item degree (interactions)",
            ylabel="share of the items of at least this degree",
            ylim=(0.5 / len(degree), 1.5),
        )
        shares.axvline(TAIL_DEGREE, color=_TAIL, linestyle=":", linewidth=1)
        shares.grid(which="major")
        shares.legend(frameon=False, loc="lower left")
        set_title(figure, title)


def _draw_law(
    axes: "Axes", law: theory.PowerLawFit, share: float, most: int, style: str
) -> None:
    """Draws the share of items of at least each degree by a law."""
    degree = np.unique(np.geomspace(law.minimum_degree, most, 200).astype(int))
    above = theory.hurwitz_zeta(law.exponent, degree)
    axes.plot(
        degree,
        share * above / theory.hurwitz_zeta(law.exponent, law.minimum_degree),
        style,
        label=f"power law from {law.minimum_degree} on, β = {law.exponent:.2f}",
    )


def draw_fallen(
    fallen: Sequence[Fallen], title: str, path: pathlib.Path, width: float
) -> None:
    """Draws the share of items that fall, in every way that it is found."""
    with picture(path, width, 3.2) as figure:
        axes = figure.subplots()
        shares = [100 * found.malicious_ratio for found in fallen]
        for field, label, colour, style in (
            ("closed_form", "Proposition 2, fitted law", PALETTE[0], "-s"),
            ("whole_law", "Proposition 2, law of all items", PALETTE[6], "--D"),
            ("by_degree", "counted on interactions", PALETTE[2], ":o"),
            ("by_rows", "counted on uploaded rows", PALETTE[1], "-."),
            ("simulated", "a simulated round", NEUTRAL, "X"),
        ):
            values = [100 * getattr(found, field) for found in fallen]
            if not np.all(np.isnan(values)):
                axes.plot(shares, values, style, color=colour, label=label)
        axes.set(
            xlabel="malicious share of all clients (%)",
            ylabel="items that fall (% of all)",
            ylim=(-3, 103),
        )
        axes.set_xticks(shares, [f"{share:g}" for share in shares])
        axes.grid()
        legend_below(figure)
        set_title(figure, title)

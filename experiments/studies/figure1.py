"""Figure 1: one round's uploads under sparse and under dense aggregation.

A round of the library is run once for each rule, form and attack, and what the rule
made of it is compared. ``figure1_2`` is the study.
"""

import dataclasses
import functools
import itertools
import math
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from experiments.studies.base import Finding, Table
from jaxfr.aggregators import Rule, ServerKnowledge, ServerView, init_server, median
from jaxfr.attacks import CLEAN
from jaxfr.data import TAIL_DEGREE, Dataset
from jaxfr.experiment import Experiment
from jaxfr.parts import part
from jaxfr.records import (
    legend_below,
    looks,
    part_title,
    picture,
    rows_and_columns,
    set_title,
)
from jaxfr.sweeps import RunRequest
from jaxfr.texts import read_part
from jaxfr.theory import broken_items
from jaxfr.training import (
    Layout,
    Setup,
    TrainingState,
    plan_layout,
    run_key,
    start,
    train_round,
    train_rounds,
)
from jaxfr.uploads import Uploads, item_extremes, item_statistics, row_counts

# Options that the functions here decide for the training before the round.
DECIDED = (
    *("model", "negatives", "participation", "init_from"),
    *("attack", "attack_start", "malicious_ratio", "expected_byzantine"),
    *("aggregator", "aggregation"),
)
# In the order of the paper's figure.
FORMS = ("dense", "sparse")
NOISE, OPPOSITE = "spattack_l_d", "spattack_o_d"

# --- A round ---


class BenignRows(NamedTuple):
    """What an item's benign rows are like: their number, mean, minimum and maximum.

    Without any the mean is 0, the minimum +inf and the maximum -inf.
    """

    received: Array | np.ndarray
    mean: Array | np.ndarray
    lower: Array | np.ndarray
    upper: Array | np.ndarray


class Moment(NamedTuple):
    """The beginning of a round."""

    finished: int  # rounds before it, all of them without any attack, under the mean
    layout: Layout  # the data
    setup: Setup  # what the seed fixed
    state: TrainingState  # before the round
    attackers: Mapping[str, object]  # the state of each attack
    benign: BenignRows  # what benign clients are about to upload


class Form(NamedTuple):
    """A rule, and whether absent clients are zero rows (``dense``) or not."""

    aggregator: str
    aggregation: str


@part
def observe() -> Rule:
    """Keeps what the rows of a round are like as its state, and moves no item."""

    def init(knowledge: ServerKnowledge) -> BenignRows:
        table = jnp.zeros((knowledge.num_items, knowledge.embedding_dim))
        return BenignRows(jnp.zeros(len(table), jnp.int32), table, table, table)

    def update(
        state: BenignRows, uploads: Uploads, view: ServerView
    ) -> tuple[Array, BenignRows]:
        del state, view
        received, extremes = row_counts(uploads), item_extremes(uploads, False)
        there = (received > 0)[:, None]
        rows = BenignRows(
            received,
            item_statistics(uploads, False).mean,
            jnp.where(there, extremes.minimum, jnp.inf),
            jnp.where(there, extremes.maximum, -jnp.inf),
        )
        return jnp.zeros_like(uploads.item_embeddings), rows

    return Rule(init, update)


def clean_moments(
    base: RunRequest, dataset: Dataset, rounds: Sequence[int]
) -> tuple[Moment, ...]:
    """Trains without an attack, and stops at some numbers of finished rounds."""
    clean = base.replace(
        attack=CLEAN, aggregator="mean", negatives="fixed", participation=1.0
    ).experiment.with_data(dataset.num_users)
    layout, key = plan_layout(dataset), run_key(base.seed)
    # The rows of each item are only found where a rule asks for them.
    grouped = dataclasses.replace(clean, aggregator=median())
    setup, state = start(grouped, layout, key)
    attackers = {}
    for attack in (NOISE, OPPOSITE):
        attacked = dataclasses.replace(
            grouped, attack=read_part("attack", attack), malicious_clients=1
        )
        _, before = start(attacked, layout.with_room(1), key)
        attackers[attack] = before.items.attack
    moments, finished = [], 0
    for wanted in rounds:
        if wanted > finished:
            stretch = jnp.arange(finished, wanted, dtype=jnp.int32)
            end = jnp.int32(wanted)
            state, _ = train_rounds(clean, layout, setup, state, stretch, end, end)
            finished = wanted
        looking = dataclasses.replace(clean, aggregator=observe())
        after = _run(looking, layout, setup, state, jnp.int32(finished))
        _, seen = after.items.server
        rows = BenignRows(*map(np.asarray, seen))
        moments.append(Moment(finished, layout, setup, state, attackers, rows))
    return tuple(moments)


def aggregate(
    base: RunRequest, moment: Moment, form: Form, attack: str, malicious_clients: int
) -> Array:
    """What the server makes of the round's uploads, benign and malicious, ``[m, d]``.

    ``base`` has numbers such as the share of a trimmed mean. There are so many
    malicious clients, each poisoning every item, and the rule expects as many.
    """
    # Nobody uploads rows of weight 0: one program for clean rounds too.
    acting = NOISE if attack == CLEAN else attack
    # The attackers are those of the arguments, not those that a ratio would add.
    experiment = base.replace(
        attack=CLEAN,
        negatives="fixed",
        participation=1.0,
        aggregator=form.aggregator,
        aggregation=form.aggregation,
        malicious_clients=jnp.int32(0 if attack == CLEAN else malicious_clients),
        expected_byzantine=jnp.int32(malicious_clients),
    ).experiment.with_data(moment.layout.num_clients)
    experiment = dataclasses.replace(experiment, attack=read_part("attack", acting))
    items = moment.state.items._replace(attack=moment.attackers[acting])
    return _run(
        experiment,
        moment.layout.with_room(max(moment.layout.num_clients, malicious_clients)),
        moment.setup,
        moment.state._replace(items=items),
        jnp.int32(moment.finished),
    ).items.last_aggregate


def _run(
    experiment: Experiment,
    layout: Layout,
    setup: Setup,
    state: TrainingState,
    round_number: Array,
) -> TrainingState:
    """A round of the library; what its rule made is the table's last aggregate."""
    rule, shape = experiment.rule(), state.item_embeddings.shape
    server = init_server(rule, ServerKnowledge(layout.num_server_ids, *shape))
    state = state._replace(items=state.items._replace(server=server))
    with jax.default_matmul_precision("highest"):
        after, _ = _train_round(experiment, layout, setup, state, round_number)
    return after


_train_round = jax.jit(train_round)


# --- What a rule makes of it ---

# Where brackets of item degree begin; the last one is the paper's head.
BRACKETS = (0, 10, 30, 100, TAIL_DEGREE)
BRACKET_NAMES = (
    *(f"{low}–{high - 1}" for low, high in itertools.pairwise(BRACKETS)),
    f"{BRACKETS[-1]}+",
)

# Rounding errors beside the range of the benign rows.
_TOLERANCE = 1e-6


class Outcome(NamedTuple):
    """What a rule makes of each item's rows; nan for an item without benign rows.

    An item is broken if the noise rows of Spattack-L-D carry the aggregate out of the
    range of the benign rows. Lengths are multiples of that of the benign rows' mean,
    ``[m]``.
    """

    form: Form
    broken: np.ndarray  # bool [m]
    noise_moves: np.ndarray  # how far the noise rows move the aggregate
    opposite_moves: np.ndarray  # likewise the rows of Spattack-O-D
    clean_length: np.ndarray  # the aggregate's own without any attack


def carried_off(
    aggregated: Array | np.ndarray, rows: BenignRows, dense: bool
) -> np.ndarray:
    """Says which items' aggregates lie outside the range of their benign rows.

    Malicious rows came to every item; in the dense form zeros are benign rows, too.
    """
    lower, upper = jnp.asarray(rows.lower), jnp.asarray(rows.upper)
    if dense:
        lower, upper = jnp.minimum(lower, 0.0), jnp.maximum(upper, 0.0)
    everywhere = jnp.ones(len(aggregated), bool)
    found = jnp.asarray(aggregated)
    return np.asarray(broken_items(found, lower, upper, everywhere, _TOLERANCE))


def compare(
    base: RunRequest, moment: Moment, aggregators: Sequence[str], malicious_clients: int
) -> list[Outcome]:
    """Aggregates one round's uploads by every rule in its dense and its sparse form."""
    rows, found = moment.benign, []
    for form in itertools.starmap(Form, itertools.product(aggregators, FORMS)):
        clean, noise, opposite = (
            np.asarray(
                aggregate(base, moment, form, attack, malicious_clients), np.float64
            )
            for attack in (CLEAN, NOISE, OPPOSITE)
        )
        found.append(
            Outcome(
                form,
                carried_off(noise, rows, dense=form.aggregation == "dense"),
                _relative_length(noise - clean, rows),
                _relative_length(opposite - clean, rows),
                _relative_length(clean, rows),
            )
        )
    return found


def left_when_dense(outcomes: Sequence[Outcome], aggregator: str) -> np.ndarray:
    """How much of an item's clean update its dense form leaves, of the sparse one.

    A quotient of lengths, ``[m]``; nan where the sparse form has none.
    """
    length = {outcome.form: outcome.clean_length for outcome in outcomes}
    dense, sparse = (length[Form(aggregator, form)] for form in FORMS)
    there = sparse > 0
    return np.where(there, dense / np.where(there, sparse, 1.0), np.nan)


def by_bracket(values: np.ndarray, degree: np.ndarray, share: bool) -> np.ndarray:
    """Summarises items by bracket of their degree; nan for a bracket without items.

    By their median, or as a share: by their mean in percent.
    """
    brackets = np.searchsorted(BRACKETS, degree, side="right") - 1
    found = [values[brackets == bracket] for bracket in range(len(BRACKETS))]
    return np.array([100 * _mean(v) if share else _median(v) for v in found])


def _relative_length(difference: np.ndarray, rows: BenignRows) -> np.ndarray:
    lengths = np.linalg.norm(np.asarray(rows.mean, np.float64), axis=1)
    there = (rows.received > 0) & (lengths > 0)
    quotient = np.linalg.norm(difference, axis=1) / np.where(there, lengths, 1.0)
    return np.where(there, quotient, np.nan)


def _of_known(summary: Callable[[np.ndarray], Any], values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(summary(known)) if known.size else math.nan


_mean, _median = (functools.partial(_of_known, one) for one in (np.mean, np.median))


# --- Tables ---

NOTHING = "–"
# A round's number, and its outcomes.
RoundOutcomes = tuple[int, Sequence[Outcome]]


def broken_table(
    heading: str, by_round: Sequence[RoundOutcomes], degree: np.ndarray
) -> Table:
    """Shares of items that noise carries off, by degree."""
    rows = []
    for number, outcomes in by_round:
        for outcome in outcomes:
            broken = outcome.broken.astype(float)
            shares = (*by_bracket(broken, degree, share=True), 100 * _mean(broken))
            rows.append((str(number), *outcome.form, *map(percent, shares)))
    return Table(
        f"{heading}: items that the noise of Spattack-L-D carries out of the range of "
        "their benign rows, in percent, by item degree.",
        ("round", "rule", "aggregation", *BRACKET_NAMES, "all"),
        tuple(rows),
    )


def moves_table(heading: str, outcomes: Sequence[Outcome], degree: np.ndarray) -> Table:
    """How far malicious rows move the aggregate, by degree."""
    rows = []
    for outcome in outcomes:
        noise, opposite = (
            [written(value, 2) for value in by_bracket(moves, degree, share=False)]
            for moves in (outcome.noise_moves, outcome.opposite_moves)
        )
        pairs = zip(noise, opposite, strict=True)
        rows.append((*outcome.form, *map(" / ".join, pairs)))
    return Table(
        f"{heading}: how far malicious rows move the aggregate, as a multiple of the "
        "length of the benign rows' mean, by item degree; median of the items, under "
        "Spattack-L-D / Spattack-O-D.",
        ("rule", "aggregation", *BRACKET_NAMES),
        tuple(rows),
    )


def left_table(
    name: str, by_round: Sequence[RoundOutcomes], degree: np.ndarray
) -> Table:
    """What dense aggregation leaves of the clean update, by degree."""
    rows = []
    for number, outcomes in by_round:
        for rule in dict.fromkeys(outcome.form.aggregator for outcome in outcomes):
            left = by_bracket(left_when_dense(outcomes, rule), degree, share=False)
            rows.append((str(number), rule, *map(percent, 100 * left)))
    return Table(
        f"{name}, no attack: length of the dense aggregate, in percent of the sparse "
        "one's, by item degree; median of the items.",
        ("round", "rule", *BRACKET_NAMES),
        tuple(rows),
    )


def percent(value: float) -> str:
    """Writes percent with one place."""
    return written(value, 1)


def written(value: float, places: int) -> str:
    """Writes a number that may be missing."""
    return NOTHING if math.isnan(value) else f"{value:.{places}f}"


# --- Findings ---

# Rules with a breakdown point above 0.
ROBUST = ("median", "trimmed_mean", "krum")

# Shares of items, from 0 to 1: at most so many may fall where a rule holds; at least so
# many must where it fails. What dense aggregation leaves of an update that drowns.
HOLDS, FAILS, DROWNED = 0.01, 0.5, 0.05

# Largest remainder of an aggregate that counts as zero, of the usual length of one.
ZERO = 1e-4


def aggregation_findings(
    name: str, outcomes: Sequence[Outcome], degree: np.ndarray
) -> list[Finding]:
    """The statements of Figures 1 and 2 on dense and sparse aggregation."""
    rules = dict.fromkeys(outcome.form.aggregator for outcome in outcomes)
    robust = [rule for rule in rules if rule in ROBUST]
    tail = degree < TAIL_DEGREE
    broken = {outcome.form: outcome.broken.astype(float) for outcome in outcomes}
    dense = {rule: _mean(broken[Form(rule, "dense")]) for rule in robust}
    sparse = {rule: _mean(broken[Form(rule, "sparse")][tail]) for rule in robust}
    left = {rule: _median(left_when_dense(outcomes, rule)[tail]) for rule in robust}
    return [
        _of_rules(
            f"{name}: in dense aggregation a robust rule filters outliers out (at most "
            f"{100 * HOLDS:g} % of the items carried off by noise)",
            dense,
            lambda share: share <= HOLDS,
        ),
        _of_rules(
            f"{name}: in sparse aggregation the same rules fail for tail items (more "
            f"than {100 * FAILS:g} % of the items with fewer than {TAIL_DEGREE} "
            "interactions carried off)",
            sparse,
            lambda share: share > FAILS,
        ),
        _of_rules(
            f"{name}: a dense robust rule skews items towards zero, as zeros are the "
            f"majority (without attack, at most {100 * DROWNED:g} % of a tail item's "
            "sparse update is left)",
            left,
            lambda share: share <= DROWNED,
        ),
    ]


def _of_rules(
    statement: str, shares: Mapping[str, float], holds: Callable[[float], bool]
) -> Finding:
    """Whether something holds for all rules; None where one has no such item."""
    if not shares:
        return Finding(statement, None, "no robust rule was compared")
    told = ", ".join(
        f"{rule.replace('_', ' ')} "
        + ("no such item" if math.isnan(share) else f"{100 * share:.1f} %")
        for rule, share in shares.items()
    )
    unknown = any(map(math.isnan, shares.values()))
    return Finding(
        statement, None if unknown else all(map(holds, shares.values())), told
    )


def proposition_1(name: str, base: RunRequest, moment: Moment) -> Finding:
    """One malicious client against the mean, by the rows of Spattack-O-D."""
    clean, attacked = (
        np.linalg.norm(
            aggregate(base, moment, Form("mean", "sparse"), attack, 1), axis=1
        )
        for attack in (CLEAN, OPPOSITE)
    )
    statement = (
        f"{name}: under the mean a single malicious client sets the aggregate of every "
        "item to zero (Proposition 1)"
    )
    usual = _median(clean[clean > 0])
    if math.isnan(usual):
        return Finding(statement, None, "without attack no item moves either")
    remainder = float(np.max(attacked)) / usual
    return Finding(
        statement,
        remainder <= ZERO,
        f"the longest aggregate of any item is {remainder:.1g} of the usual (median) "
        "length without attack",
    )


# --- The picture ---


def draw_outcomes(
    outcomes: Sequence[Outcome],
    degree: np.ndarray,
    title: str,
    path: pathlib.Path,
    width: float,
) -> None:
    """Draws what is broken, and what is left of benign updates, by item degree."""
    broken = {outcome.form: outcome.broken.astype(float) for outcome in outcomes}
    shown = looks(outcome.form.aggregator for outcome in outcomes)
    places = np.arange(len(BRACKETS))
    rows, columns = rows_and_columns(3, width, least=2.0)
    with picture(path, width, 2.6 * rows) as figure:
        dense, sparse, left = figure.subplots(rows, columns).flat
        sparse.sharey(dense)
        for name, look in shown.items():
            kept = by_bracket(left_when_dense(outcomes, name), degree, share=False)
            for axes, values in (
                *(
                    (axes, by_bracket(broken[Form(name, form)], degree, share=True))
                    for axes, form in ((dense, "dense"), (sparse, "sparse"))
                ),
                (left, 100 * kept),
            ):
                axes.plot(places, values, label=part_title(name), **look._asdict())
        carried = "items that noise carries off (%)"
        dense.set(title="(a) dense, attacked", ylabel=carried)
        sparse.set(title="(b) sparse, attacked", ylabel=carried)
        left.set(title="dense, no attack", ylabel="update left (% of the sparse one)")
        for axes in (dense, sparse, left):
            axes.set_ylim(-4, 104)
            axes.set_xticks(places, BRACKET_NAMES, rotation=30)
            axes.set_xlabel("item degree (interactions)")
            axes.grid()
        legend_below(figure)
        set_title(figure, title)

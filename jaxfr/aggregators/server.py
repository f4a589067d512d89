"""What the server does with a round's uploads: receives them, and combines them."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.core import Tracer

from jaxfr.aggregators.base import Rule, ServerKnowledge, ServerState, ServerView
from jaxfr.contracts import ask, check_rows, with_state
from jaxfr.errors import InvalidInputError
from jaxfr.parts import Part, made
from jaxfr.shapes import Bool, Float, Int
from jaxfr.showing import by_shapes
from jaxfr.uploads import Uploads, drop_nonfinite, row_counts
from jaxfr.uploads.clients import MOST_CLIENTS, trust_as_weight


@by_shapes
class Aggregate(NamedTuple):
    """Outcome of one aggregation.

    >>> found, dropped = fr.aggregate(fr.mean(), fr.uploads_of([[[1.0], [3.0]]]))
    >>> found.weight
    Array([2], dtype=int32)

    Attributes:
        rows: one row per item.
        weight: what its rows weighed together.
        weight_of_tables: what those in tables weighed of it.
        client_weight: what a row of one client weighs that is trusted in full.
        client_trust: in each client, by id; None where no stage said.
    """

    rows: Float[Array, "m d"]
    weight: Int[Array, " m"]
    weight_of_tables: Int[Array, " m"]
    client_weight: Array | int
    client_trust: Float[Array, " clients"] | None

    @property
    def received(self) -> Bool[Array, " m"]:
        """Whether the item has a row that counts."""
        return self.weight > 0


def sees_clients(rule: Rule) -> bool:
    """Whether a rule, or a stage before it, asks which client a row is from."""
    return rule.sees_clients or rule.before.sees_clients


def init_server(rule: Rule, knowledge: ServerKnowledge) -> ServerState:
    """The state of the stages and of the rule before round 0.

    >>> knowledge = fr.ServerKnowledge(num_clients=9, num_items=3, embedding_dim=2)
    >>> fr.aggregators.init_server(fr.median().make(), knowledge)
    ((), ())

    Raises:
        InvalidInputError: if there are more clients than their trust can be counted of.
    """
    if sees_clients(rule) and knowledge.num_clients > MOST_CLIENTS:
        raise InvalidInputError(
            f"{knowledge.num_clients} clients: trust is counted of {MOST_CLIENTS}"
        )
    return rule.before.init(knowledge), ask(rule.init, knowledge=knowledge)


def report_server(rule: Rule, state: ServerState) -> dict[str, Array]:
    """What the stages and the rule report of a round, float32 scalars by name.

    Of two that report under one name the later one counts.
    """
    of_stages, of_rule = state
    reported = rule.before.report(of_stages) | rule.report(of_rule)
    return {name: jnp.float32(value) for name, value in reported.items()}


def receive(rule: Rule, uploads: Uploads) -> tuple[Uploads, Array]:
    """What the server holds of uploads as they have arrived.

    Returns:
        The finite rows, those that change as they arrive changed, and how many client
        uploads were dropped.
    """
    finite, dropped = drop_nonfinite(uploads)
    return rule.before.on_arrival(finite), dropped


def combine(
    rule: Rule, state: ServerState, received: Uploads, view: ServerView
) -> tuple[Aggregate, ServerState]:
    """Runs the stages and the rule on all uploads of a round.

    Raises:
        InvalidInputError: if one of them returns what it must not.
    """
    of_stages, of_rule = state
    kept, of_stages = rule.before.update(of_stages, received, view)
    trust = kept.client_trust
    weighted = trust_as_weight(kept)
    of_items = rule.before.on_items(weighted, view)
    returned = ask(rule.update, state=of_rule, uploads=of_items, view=view)
    rows, of_rule = with_state(rule.update, returned, of_rule, "rows")
    check_rows(rule.update, rows, received.item_embeddings)
    of_tables = [jnp.sum(table.weight, axis=1) for table in weighted.tables]
    found = Aggregate(
        rows,
        row_counts(weighted),
        sum(of_tables, start=jnp.zeros(rows.shape[0], jnp.int32)),
        weighted.client_weight,
        trust,
    )
    return found, (of_stages, of_rule)


def aggregate(
    rule: Rule | Part[Rule],
    uploads: Uploads,
    expected_byzantine: Int[Array, ""] | int = 0,
    num_clients: int | None = None,
) -> tuple[Aggregate, Array]:
    """Receives and combines the uploads of a first round: the whole of aggregation.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.median(), uploads)[0].rows
    Array([[2.]], dtype=float32)

    Args:
        rule: with its stages.
        uploads: of all clients.
        expected_byzantine: the declared number n~ of Byzantine clients.
        num_clients: clients that have an id, for rules that see clients; by default
            those up to the last one that sent a row.

    Returns:
        The aggregate, and how many client uploads were dropped.

    Raises:
        InvalidInputError: if it is no rule, it or a stage returns what it must not, or
            it sees clients whose number must be said.
    """
    whole: Rule = made(rule)
    if not isinstance(whole, Rule):
        raise InvalidInputError(
            f"rule: is a {type(whole).__name__}, must be a rule, or stages and a rule, "
            "as in fr.chain(stage, fr.mean())"
        )
    num_items, dim = uploads.item_embeddings.shape
    if num_clients is None:
        num_clients = _num_clients(uploads) if sees_clients(whole) else 0
    state = init_server(whole, ServerKnowledge(num_clients, num_items, dim))
    last = jnp.zeros_like(uploads.item_embeddings)
    expected = jnp.asarray(expected_byzantine)
    view = ServerView(jnp.int32(0), expected, last, num_clients)
    received, dropped = receive(whole, uploads)
    return combine(whole, state, received, view)[0], dropped


def _num_clients(uploads: Uploads) -> int:
    """The clients up to the last one that sent a row."""
    told = uploads.client, *(table.client for table in uploads.tables)
    ids = [one for one in told if one is not None]
    if not ids or any(isinstance(one, Tracer) for one in ids):
        raise InvalidInputError(
            "num_clients: the rule sees clients; say how many have an id"
        )
    return max(int(jnp.max(one, initial=-1)) for one in ids) + 1

"""The interface of the server's defense: stages, and a rule at their end.

A stage changes rows, or how far they are trusted; a rule makes one row of them for each
item. Both are pairs of pure functions, ``init`` and ``update``, with a state of their
own, as in optax, and :func:`chain` joins them. They see a round's uploads, in which
malicious clients are not marked, and a :class:`ServerView`.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax.numpy as jnp
from jax import Array

from jaxfr.contracts import ask, check_uploads, with_state
from jaxfr.devices import Join
from jaxfr.errors import InvalidInputError
from jaxfr.parts import part
from jaxfr.shapes import Float, Int
from jaxfr.showing import by_shapes
from jaxfr.uploads import Uploads, append_tables, item_table, row_counts
from jaxfr.uploads.clients import weight_of_clients

T = TypeVar("T")

Report = Callable[["ServerState"], dict[str, Array]]
"""Scalars by name, from the state of a stage or a rule after a round."""

ServerState = Any
"""A pytree of a stage's or a rule's own, the same on all devices but for ``Own``."""


@by_shapes
class ServerKnowledge(NamedTuple):
    """What the server knows before round 0; static.

    >>> fr.ServerKnowledge(num_clients=3, num_items=2, embedding_dim=4).num_items
    2

    Attributes:
        num_clients: clients that have an id, 0 to ``num_clients`` - 1: all that may
            take part, and room for some that do not exist. Ids are in no order.
        num_items: rows of the table m.
        embedding_dim: numbers in a row d.
    """

    num_clients: int
    num_items: int
    embedding_dim: int


@by_shapes
class ServerView(NamedTuple):
    """What the server knows of a round, besides the uploads and the table it sent.

    >>> fr.ServerView._fields
    ('round', 'expected_byzantine', 'last_aggregate', 'num_clients', 'regularization')

    Attributes:
        round: its number, from 0.
        expected_byzantine: the declared number n~ of Byzantine clients.
        last_aggregate: what the rule made in the round before; 0 in round 0.
        num_clients: clients that have an id, static, see :class:`ServerKnowledge`.
        regularization: the clients' L2 coefficient lambda.
    """

    round: Int[Array, ""]
    expected_byzantine: Int[Array, ""]
    last_aggregate: Float[Array, "m d"]
    num_clients: int
    regularization: Float[Array, ""] | float = 0.0


Init = Callable[[ServerKnowledge], ServerState]
"""Makes the state before round 0: arrays, whose shapes no round may change."""

Update = Callable[[ServerState, Uploads, ServerView], tuple[T, ServerState]]
"""What a stage or a rule makes of a round's uploads, and its new state.

A stage returns the uploads with changed rows or trust. A rule joins the rows of each
item, every item on its own: one row per item, float32 ``[m, d]``, 0 for an item with no
row. It is handed what the stages before it left, in which trust is weight (see
``jaxfr.uploads.clients``).
"""

RowTransform = Callable[[Uploads], Uploads]
"""Changes each uploaded row on its own, such as by clipping its norm."""

ItemTransform = Callable[[Uploads, ServerView], Uploads]
"""Makes other rows of each item's rows, such as means of some of them."""


def _no_state(knowledge: ServerKnowledge) -> ServerState:
    del knowledge
    return ()


def _no_report(state: ServerState) -> dict[str, Array]:
    del state
    return {}


def keep_rows(uploads: Uploads) -> Uploads:
    """The transform that changes nothing."""
    return uploads


def _keep_items(uploads: Uploads, view: ServerView) -> Uploads:
    del view
    return uploads


def _pass_on(
    state: ServerState, uploads: Uploads, view: ServerView
) -> tuple[Uploads, ServerState]:
    del view
    return uploads, state


@by_shapes
class Stage(NamedTuple):
    """A part of the defense from rows to rows.

    >>> fr.Stage(on_arrival=lambda uploads: uploads).sees_clients
    False

    Attributes:
        update: runs once a round, on all rows, after the attack.
        on_arrival: what is done to each row on its own as it arrives. An omniscient
            attacker sees benign rows after it.
        sees_clients: whether ``update`` asks which client a row is from, or trusts.
        report: scalars by name that records show, from the state after a round.
        expects_byzantine: whether ``update`` or ``on_items`` asks how many Byzantine
            clients to expect.
        on_items: what is made of each item's rows after all updates, when trust is
            weight. It may join the rows of several clients.
        needs_groups: whether ``on_items`` reads ``uploads.groups``.
        needs_pairs: whether ``update`` takes clients to work pair by pair, as those of
            fedmf do (``Model.pair_gradients``), and to hide nothing; else the
            experiment is refused.
    """

    init: Init = _no_state
    update: Update[Uploads] = _pass_on
    on_arrival: RowTransform = keep_rows
    sees_clients: bool = False
    report: Report = _no_report
    expects_byzantine: bool = False
    on_items: ItemTransform = _keep_items
    needs_groups: bool = False
    needs_pairs: bool = False


@by_shapes
class Rule(NamedTuple):
    """The end of the defense, from rows to one row for each item.

    >>> fr.median().make().needs_groups
    True

    Attributes:
        update: aggregates.
        needs_groups: whether ``update``, or a stage, reads ``uploads.groups``.
        expects_byzantine: whether it, or a stage before it, asks how many Byzantine
            clients to expect.
        before: the stages that run first.
        needs_rows: whether ``update`` reads single rows, and not only what they sum up
            to and how many they are.
    """

    init: Init
    update: Update[Array]
    needs_groups: bool = False
    expects_byzantine: bool = False
    sees_clients: bool = False
    report: Report = _no_report
    before: Stage = Stage()
    needs_rows: bool = True

    @property
    def sums_suffice(self) -> bool:
        """Whether neither the rule nor a stage looks at single rows."""
        alone = self.before.update is _pass_on and self.before.on_arrival is keep_rows
        return alone and not (self.needs_rows or self.sees_clients)


def row_wise(transform: RowTransform) -> Stage:
    """Makes a stage of a function that changes each row on its own.

    >>> halve = fr.row_wise(lambda uploads: uploads._replace(scale=uploads.scale / 2))
    >>> uploads = fr.uploads_of([[[1.0], [3.0]]])
    >>> fr.aggregate(fr.aggregators.chained(halve, fr.mean().make()), uploads)[0].rows
    Array([[1.]], dtype=float32)
    """
    return Stage(on_arrival=transform)


def stateless_stage(
    function: Callable[[Uploads, ServerView], Uploads],
    sees_clients: bool = False,
    expects_byzantine: bool = False,
) -> Stage:
    """Makes a stage of a function of a round's uploads.

    >>> keep = fr.stateless_stage(lambda uploads, view: uploads)
    >>> keep.sees_clients
    False
    """
    return Stage(
        update=_keeping_state(function),
        sees_clients=sees_clients,
        expects_byzantine=expects_byzantine,
    )


def item_wise(
    transform: ItemTransform,
    needs_groups: bool = False,
    expects_byzantine: bool = False,
) -> Stage:
    """Makes a stage of a function that makes other rows of each item's rows.

    Behind it clients cannot be told apart, so no stage that asks for them follows.

    >>> halve = fr.aggregators.item_wise(
    ...     lambda uploads, view: uploads._replace(scale=uploads.scale / 2)
    ... )
    >>> uploads = fr.uploads_of([[[1.0], [3.0]]])
    >>> fr.aggregate(fr.aggregators.chained(halve, fr.mean().make()), uploads)[0].rows
    Array([[1.]], dtype=float32)
    """
    return Stage(
        on_items=transform,
        needs_groups=needs_groups,
        expects_byzantine=expects_byzantine,
    )


def stateless_rule(
    function: Callable[[Uploads, ServerView], Array],
    needs_groups: bool = False,
    expects_byzantine: bool = False,
    needs_rows: bool = True,
) -> Rule:
    """Makes a rule of a function from a round's uploads to float32 ``[m, d]``.

    >>> total = fr.stateless_rule(lambda uploads, view: fr.item_sums(uploads))
    >>> fr.aggregate(total, fr.uploads_of([[[1.0], [3.0]]]))[0].rows
    Array([[4.]], dtype=float32)
    """
    update = _keeping_state(function)
    return Rule(
        _no_state, update, needs_groups, expects_byzantine, needs_rows=needs_rows
    )


def _keeping_state(function: Callable[[Uploads, ServerView], T]) -> Update[T]:
    @functools.wraps(function)  # so that a refusal names it
    def update(
        state: ServerState, uploads: Uploads, view: ServerView
    ) -> tuple[T, ServerState]:
        return ask(function, uploads=uploads, view=view), state

    return update


def _updated(
    stage: Stage, state: ServerState, uploads: Uploads, view: ServerView
) -> tuple[Uploads, ServerState]:
    """What a stage makes of a round's uploads, if it is uploads and a state."""
    returned = ask(stage.update, state=state, uploads=uploads, view=view)
    changed, state = with_state(stage.update, returned, state, "uploads")
    table = uploads.item_embeddings.shape
    return check_uploads(stage.update, changed, table, view.num_clients), state


def _changed(
    transform: Callable[..., Uploads], uploads: Uploads, **seen: ServerView
) -> Uploads:
    """What a transform makes of uploads, if it is uploads."""
    made = ask(transform, uploads=uploads, **seen)
    return check_uploads(transform, made, uploads.item_embeddings.shape)


def chained(*parts: Stage | Rule) -> Any:
    """Joins stages, the first one first, to a stage; with a rule at the end, to a rule.

    >>> rule = fr.aggregators.chained(fr.clip_by_norm().make(), fr.mean().make())
    >>> isinstance(rule, fr.Rule)
    True

    Raises:
        InvalidInputError: if anything but stages stands before the end, or a stage that
            looks at clients behind one that joins their rows.
    """
    rule = parts[-1] if parts and isinstance(parts[-1], Rule) else None
    stages = [part for part in parts if isinstance(part, Stage)]
    if len(stages) + (rule is not None) < len(parts):
        raise InvalidInputError(
            "nothing but stages can stand before the end, and a rule stands there, as "
            "in clip_by_norm+median"
        )
    if rule is None:
        return _chain_stages(*stages)
    before = _chain_stages(*stages, rule.before)
    return rule._replace(
        before=before,
        needs_groups=rule.needs_groups or before.needs_groups,
        expects_byzantine=rule.expects_byzantine or before.expects_byzantine,
    )


def _chain_stages(*stages: Stage) -> Stage:
    # Rows can be changed as they arrive up to the first stage that waits for all.
    waits = [stage.update is not _pass_on for stage in stages]
    first = waits.index(True) if any(waits) else len(stages)
    # Behind the first that makes rows of items' rows, clients' own are gone.
    joins = [stage.on_items is not _keep_items for stage in stages]
    end = joins.index(True) + 1 if any(joins) else len(stages)
    if any(waits[end:]):
        raise InvalidInputError(
            "a stage that looks at clients cannot stand behind one that joins their "
            "rows"
        )

    def init(knowledge: ServerKnowledge) -> ServerState:
        return tuple(ask(stage.init, knowledge=knowledge) for stage in stages)

    def on_arrival(uploads: Uploads) -> Uploads:
        for stage in stages[: min(first + 1, end)]:
            uploads = _changed(stage.on_arrival, uploads)
        return uploads

    def update(
        state: ServerState, uploads: Uploads, view: ServerView
    ) -> tuple[Uploads, ServerState]:
        states = list(state)
        for place in range(first, end):
            if place > first:
                uploads = _changed(stages[place].on_arrival, uploads)
            uploads, states[place] = _updated(
                stages[place], states[place], uploads, view
            )
        return uploads, tuple(states)

    def on_items(uploads: Uploads, view: ServerView) -> Uploads:
        uploads = _changed(stages[end - 1].on_items, uploads, view=view)
        for stage in stages[end:]:
            uploads = _changed(stage.on_arrival, uploads)
            uploads = _changed(stage.on_items, uploads, view=view)
        return uploads

    def report(state: ServerState) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for stage, own in zip(stages, state, strict=True):
            found |= stage.report(own)
        return found

    return Stage(
        init,
        update if any(waits) else _pass_on,
        on_arrival,
        sees_clients=any(stage.sees_clients for stage in stages),
        report=report,
        expects_byzantine=any(stage.expects_byzantine for stage in stages),
        on_items=on_items if any(joins) else _keep_items,
        needs_groups=any(stage.needs_groups for stage in stages),
        needs_pairs=any(stage.needs_pairs for stage in stages),
    )


ItemRule = Callable[[Array, Array, Join], Array]
"""Aggregates one item: rows ``[k, d]`` and int32 weights ``[k]`` to ``[d]``.

Where the item's rows lie in parts, the ``Join`` says how those are joined.
"""


@part
def chain(*parts: Any) -> Stage | Rule:
    """Stages, the first one first, as a stage; with a rule at the end, as a rule.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.chain(fr.clip_by_norm(1.0), fr.mean()), uploads)[0].rows
    Array([[1.]], dtype=float32)

    ``chain(clip_by_norm(1.0), median())`` is the median of clipped rows; as a text it
    is ``clip_by_norm+median``.

    Raises:
        InvalidInputError: if anything but stages stands before the end, or a stage that
            looks at clients behind one that joins their rows.
    """
    return chained(*parts)


def add_absent_clients(uploads: Uploads) -> Uploads:
    """Adds to each item a zero row for every participant that sent it nothing.

    They are one row, weighted with their number.
    """
    everybody = weight_of_clients(uploads, uploads.participants)
    absent = jnp.maximum(everybody - row_counts(uploads), 0)
    num_items, dim = uploads.item_embeddings.shape
    zeros = jnp.zeros((num_items, 1, dim), uploads.vectors.dtype)
    table = item_table(
        zeros, absent[:, None], uploads.item_embeddings, jnp.zeros((), jnp.int32)
    )
    return append_tables(uploads, table)


def dense(rule: Rule) -> Rule:
    """General federated learning's form of ``rule``, as in the paper's Figure 1(a).

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.aggregators.dense(fr.median().make()), uploads)[0].rows
    Array([[2.]], dtype=float32)

    Source: Zhang et al., AAAI 2025, which contrasts it with sparse aggregation.
    """

    def on_items(uploads: Uploads, view: ServerView) -> Uploads:
        return rule.before.on_items(add_absent_clients(uploads), view)

    return rule._replace(before=rule.before._replace(on_items=on_items))

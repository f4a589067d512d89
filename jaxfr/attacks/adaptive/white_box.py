"""Gradient ascent on benign clients' loss, through the server's real defense."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.norm import factor_to_norm
from jaxfr.attacks.adaptive.allowance import Length, allowance
from jaxfr.attacks.adaptive.benign_loss import LossName, loss_gradient, needs_of
from jaxfr.attacks.adaptive.copied_profiles import copied_profiles
from jaxfr.attacks.adaptive.copied_sets import copied_sets
from jaxfr.attacks.adaptive.invert import invert_head
from jaxfr.attacks.adaptive.promote import promote
from jaxfr.attacks.adaptive.water_filling import water_filling
from jaxfr.attacks.base import (
    AttackState,
    Knowledge,
    OmniscientAttack,
    RoundView,
    TableAfter,
    WhiteBoxAttack,
)
from jaxfr.attacks.recommendation.spattack import spattack_o_d
from jaxfr.attacks.rows import of_length
from jaxfr.parts import Part, Whole, part
from jaxfr.ranges import COUNT, COUNT_FROM_1
from jaxfr.shapes import Float
from jaxfr.uploads import Uploads
from jaxfr.uploads.norms import row_norm

Start = Literal[
    "best",
    "water_filling",
    "promote",
    "invert_head",
    "copied_sets",
    "spattack_o_d",
    "copied_profiles",
]

OWN_ROWS = frozenset({"copied_profiles"})
"""The attacks whose clients send each its own row of an item, and not all the same."""

Damage = Callable[[Array], Array]
"""What rows ``[m, rows_per_item, d]`` cost benign clients, a scalar."""


class Seed(NamedTuple):
    """The key of restarts, and the states of the attacks that may be started from."""

    key: Array
    attacks: tuple[Any, ...]


class Found(NamedTuple):
    """Rows and the damage that they do; the best of all that were tried."""

    rows: Float[Array, "m rows_per_item d"]
    damage: Float[Array, ""]


@part
def white_box(
    loss: LossName = "training",
    start: Start = "best",
    steps: Annotated[Whole, COUNT] = 5,
    restarts: Annotated[Whole, COUNT_FROM_1] = 1,
    length: Length = 1.0,
) -> WhiteBoxAttack:
    """Climbs from another attack's upload to one that costs benign clients more.

    With ``V'(x)`` the item embeddings that the server's stages, rule and step make of
    an upload x and this round's benign rows, and L the loss of all benign clients, the
    damage of x is what the round changes L by, to first order:

        ``D(x) = sum over items j of <dL/dv_j, v'_j(x) - v_j>``,

    in which, of the loss that clients train on, ``dL/dv_j`` is the sum of item j's
    benign rows. Malicious clients send rows for the items for which they do in the
    other attack, all the same row x_j, or each its own where they do so there, and in
    step t = 1, 2, ...

        ``x_j <- clip(x_j + (2 tau / t) g_j / |g_j|, tau)``, ``g_j = dD/dx_j``,

    with tau the median benign client's mean row norm. They upload the best of all x,
    that of the other attack included, so that D is never less than where it started.

    >>> isinstance(fr.attacks.white_box().make(), fr.WhiteBoxAttack)
    True

    Which rows of whom count is the defense's; trust has no derivative, so that the
    climb takes it as given, and D does not. Who sends a row for what does not change
    on the way: that is what several starts are for. All rows are climbed at once, since
    a derivative by all costs no more than one by a few directions. One round ahead
    only: a second one would need the server's state after the first, and as D is
    linear in what items move by, a server without a state would be sent the same.

    Knows this round's benign rows, which client sent them, and the server's defense.
    Costs an aggregation for each start and three for each step.

    Source: this project; through known defenses, Shejwalkar and Houmansadr,
    "Manipulating the Byzantine", NDSS 2021, search along one direction.

    Args:
        loss: which loss L.
        start: the attack, with this loss and length where it has them, or ``best``:
            in each round the one that does most damage, of those that send one row an
            item. ``copied_profiles`` costs a row for each malicious client.
        steps: of each climb.
        restarts: climbs; all but the first begin with rows in drawn directions, for
            the same items.
        length: of the longest rows, in multiples of tau; the other attack's may be
            longer.
    """
    known = _known_attacks(loss, length)
    attacks = [
        attack.make()
        for name, attack in known.items()
        if name == start or (start == "best" and name not in OWN_ROWS)
    ]

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        return Seed(key, tuple(attack.init(key, knowledge) for attack in attacks))

    def upload(
        state: Seed, view: RoundView, benign: Uploads, after: TableAfter
    ) -> tuple[Uploads, AttackState]:
        steepest = loss_gradient(loss, benign)
        norm = allowance(benign, view.benign_clients, length).norm

        def damage(uploads: Uploads) -> Array:
            return jnp.sum(steepest * (after(uploads) - view.item_embeddings))

        started = zip(attacks, state.attacks, strict=True)
        starts = [
            attack.upload(of_attack, view, benign)[0] for attack, of_attack in started
        ]
        first = starts[0] if len(starts) == 1 else _best_of(starts, damage)

        def damage_of_rows(rows: Array) -> Array:
            return damage(_with_rows(first, rows))

        key = jax.random.fold_in(state.key, view.round)
        own = first.tables[0].rows

        def climb_again(number: Array, best: Found) -> Found:
            drawn = jax.random.normal(jax.random.fold_in(key, number), own.shape)
            begin = jnp.where(number == 0, own, of_length(drawn, norm))
            return climb(damage_of_rows, begin, best, norm, jnp.asarray(steps))

        nothing = Found(own, jnp.float32(-jnp.inf))
        best = jax.lax.fori_loop(0, jnp.asarray(restarts), climb_again, nothing)
        return _with_rows(first, best.rows), state

    own_rows = start in OWN_ROWS
    return WhiteBoxAttack(init, upload, needs=needs_of(loss), sends_own_rows=own_rows)


def climb(damage: Damage, rows: Array, best: Found, norm: Array, steps: Array) -> Found:
    """Steps of normalised ascent, the rows kept within a norm; the best of all rows.

    Args:
        damage: with a derivative.
        rows: where it begins, ``[m, rows_per_item, d]``.
        best: what was found before.
        norm: the largest norm of a row.
        steps: so many, int32 scalar.
    """

    def step(number: Array, climbed: tuple[Array, Found]) -> tuple[Array, Found]:
        rows, best = climbed
        here, slope = jax.value_and_grad(damage)(rows)
        best = jax.tree.map(
            lambda new, old: jnp.where(here > best.damage, new, old),
            Found(rows, here),
            best,
        )
        moved = rows + of_length(slope, 2.0 * norm / (number + 1))
        return moved * factor_to_norm(norm, row_norm(moved))[..., None], best

    # Once more than there are steps, as each looks at where the last one led.
    return jax.lax.fori_loop(0, steps + 1, step, (rows, best))[1]


def _known_attacks(loss: LossName, length: Length) -> dict[str, Part[OmniscientAttack]]:
    return {
        "water_filling": water_filling(loss, length),
        "promote": promote(length=length),
        "invert_head": invert_head(length=length),
        "copied_sets": copied_sets(length),
        "spattack_o_d": spattack_o_d(),
        "copied_profiles": copied_profiles(length),
    }


def _best_of(several: list[Uploads], damage: Callable[[Uploads], Array]) -> Uploads:
    """The one that does most damage, the first of equal ones."""
    named = map(_with_senders_of_each_item, several)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *named)
    best = jnp.argmax(jax.lax.map(damage, stacked))
    return jax.tree.map(lambda leaf: leaf[best], stacked)


def _with_senders_of_each_item(uploads: Uploads) -> Uploads:
    (table,) = uploads.tables
    assert table.senders is not None
    shape = *table.weight.shape, table.senders.shape[-1]
    senders = jnp.broadcast_to(table.senders, shape)
    return uploads._replace(tables=(table._replace(senders=senders),))


def _with_rows(uploads: Uploads, rows: Array) -> Uploads:
    (table,) = uploads.tables
    return uploads._replace(tables=(table._replace(rows=rows),))

"""Honest at first: clients that earn trust, and attack afterwards."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, get_args

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.adaptive.copied_sets import copied_sets
from jaxfr.attacks.adaptive.groups import groups
from jaxfr.attacks.adaptive.invert import invert_head, invert_tail
from jaxfr.attacks.adaptive.promote import mix, promote
from jaxfr.attacks.base import AttackState, Knowledge, OmniscientAttack, RoundView
from jaxfr.attacks.recommendation.fake_profiles import (
    NEEDS,
    FakeProfile,
    PairsGradient,
    draw_fake_profiles,
    gradient_of_pairs,
    learn,
    profile_pairs,
    upload_gradients,
)
from jaxfr.attacks.recommendation.spattack import spattack_o_d
from jaxfr.blocks import members_per_block
from jaxfr.devices import map_over_devices
from jaxfr.parts import Part, Whole, part
from jaxfr.ranges import COUNT
from jaxfr.uploads import ItemTable, Uploads, append_tables

Then = Literal[
    "invert_head",
    "invert_tail",
    "promote",
    "mix",
    "copied_sets",
    "groups",
    "spattack_o_d",
]

_ATTACKS: Mapping[str, Callable[[], Part[OmniscientAttack]]] = {
    one.name: one
    for one in (
        *(invert_head, invert_tail, promote, mix, copied_sets, groups),
        spattack_o_d,
    )
}
assert set(_ATTACKS) == set(get_args(Then))


class Sleeper(NamedTuple):
    """The profiles that clients train on, and the state of the attack to come."""

    profiles: FakeProfile
    attack: Any


@part
def sleeper(
    until: Annotated[Whole, COUNT] = 100, then: Then = "invert_head"
) -> OmniscientAttack:
    """Trains honestly on fake profiles until a round, and then attacks.

    Before round ``until`` each malicious client holds a profile, drawn as those of
    LabelFlip, and sends the gradients of its loss as an honest client does. From then
    on it sends what another attack sends.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.sleeper(until=0), benign)  # no honest row
    Array([[[-2.],
            [ 0.]]], dtype=float32)

    Trust by the past, such as that of ``reputation``, is what it is made for. Knows
    what the other attack knows.

    Source: this project.

    Args:
        until: the first round of the attack.
        then: the attack, with its options as by default.
    """
    other = _ATTACKS[then]().make()

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        return Sleeper(draw_fake_profiles(key, knowledge), other.init(key, knowledge))

    def upload(
        state: Sleeper, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        awake = view.round >= jnp.asarray(until)
        honest, profiles = _train(state.profiles, view)
        hostile, attack = other.upload(state.attack, view, benign)
        both = append_tables(_only(hostile, awake), _only(honest, ~awake))
        both = both._replace(participants=hostile.participants)
        return both, Sleeper(profiles, attack)

    return OmniscientAttack(init, upload, needs=NEEDS)


def _train(profiles: FakeProfile, view: RoundView) -> tuple[Uploads, FakeProfile]:
    """What honest clients with these profiles upload and learn."""
    items, model = view.item_embeddings, view.task.model

    def one_client(profile: FakeProfile) -> PairsGradient:
        pairs = profile_pairs(profile)
        return gradient_of_pairs(model, profile.embedding, items, pairs)

    block = members_per_block(items.size)
    gradients = map_over_devices(one_client, block, profiles)
    uploads = upload_gradients(gradients, profiles.embedding, view, "sparse")
    trained = learn(profiles.embedding, gradients.user, view)
    return uploads, profiles._replace(embedding=trained)


def _only(uploads: Uploads, sent: Array) -> Uploads:
    """The uploads, or without any row."""

    def of_table(table: ItemTable) -> ItemTable:
        return table._replace(weight=jnp.where(sent, table.weight, 0))

    return uploads._replace(tables=tuple(map(of_table, uploads.tables)))

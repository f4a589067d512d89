"""The pairs of a run or a round, laid out in the form that its clients work in."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.clients.negatives import (
    TiledPairs,
    draw_negatives,
    draw_pseudo_items,
    tile_pairs,
)
from jaxfr.clients.tensors import ClientGroup
from jaxfr.devices import Own, max_over_devices, sum_over_devices
from jaxfr.experiment import Experiment
from jaxfr.models.batch import Batch, make_batch
from jaxfr.sampling import PADDING_ITEM
from jaxfr.showing import by_shapes
from jaxfr.training.keys import Purpose, key_for
from jaxfr.training.layout import Layout
from jaxfr.uploads import ItemGroup, group_rows


@by_shapes
class Pairs(NamedTuple):
    """The negatives of a round and what follows from them.

    Attributes:
        negatives: of each training pair, int32 ``[pairs]``.
        laid_out: the pairs in tiles for a model that works pair by pair, otherwise
            the batches of each client group, leading axis ``[clients]``.
        item_groups: the upload rows by item; empty where no rule asks for them.
        overflow: rows that found no room in ``item_groups``, int32 scalar.
        most_uploaded: the largest number of items that one client uploads, int32
            scalar.
    """

    negatives: Own[Array]
    laid_out: Own[TiledPairs | tuple[Batch, ...]]
    item_groups: Own[tuple[ItemGroup, ...]]
    overflow: Array
    most_uploaded: Array


def draw_pairs(
    experiment: Experiment,
    layout: Layout,
    key: Array,
    round_number: Array | int = 0,
    given: Array | None = None,
) -> Pairs:
    """Draws every client's negatives and lays out the rows that will be uploaded.

    Args:
        experiment: decides how the pairs are laid out, and whether each item's rows
            are to be found.
        layout: the data.
        key: the run's random key.
        round_number: the round of this draw.
        given: negatives of all training pairs to use instead, int32 ``[all pairs]``.
    """
    users, positives = layout.train_users, layout.train_items
    if given is not None:
        negatives = given[layout.pair_ids]
    else:
        own_key = key_for(key, Purpose.NEGATIVES, round_number)
        negatives = draw_negatives(
            own_key, layout.pair_ids, users, layout.training_items, layout.num_items
        )
    if not experiment.works_by_pairs:
        own_key = key_for(key, Purpose.PSEUDO_ITEMS, round_number)
        pseudo = draw_pseudo_items(
            own_key,
            experiment.pseudo_items,
            layout.client_ids,
            layout.training_items,
            layout.num_items,
        )
        laid_out, item, sent, order, uploaded = _by_client(
            layout.clients, negatives, pseudo
        )
    else:
        keep_repeats = experiment.repeated_negatives == "reference"
        laid_out = tile_pairs(layout.tiles, users, positives, negatives, keep_repeats)
        item, sent, order = laid_out.item.reshape(-1), laid_out.sent.reshape(-1), None
        distinct = laid_out.sent if laid_out.noticed is None else laid_out.noticed
        uploaded = jax.ops.segment_sum(
            jnp.sum(distinct, axis=1), laid_out.client, layout.client_ids.size
        )
    item_groups, overflow = (), jnp.zeros((), jnp.int32)
    if experiment.rule().needs_groups:
        item_groups, overflow = group_rows(
            item, sent, layout.num_items, layout.item_slots, order
        )
    overflow = sum_over_devices(overflow)
    most_uploaded = max_over_devices(jnp.max(uploaded))
    return Pairs(negatives, laid_out, item_groups, overflow, most_uploaded)


def _by_client(
    groups: tuple[ClientGroup, ...], negatives: Array, pseudo: Array
) -> tuple[tuple[Batch, ...], Array, Array, Array, Array]:
    """The batches; each row's item, whether it is sent; order; rows by client.

    In that order of rows clients ascend, so that no rule sees the grouping.
    """

    def batches_of(group: ClientGroup) -> Batch:
        exists = (group.client < pseudo.shape[0])[:, None]
        positives = jnp.where(exists, group.positives, PADDING_ITEM)
        absent = positives == PADDING_ITEM
        drawn = jnp.where(absent, PADDING_ITEM, negatives[group.pair])
        pretended = pseudo.at[group.client].get(mode="fill", fill_value=PADDING_ITEM)
        return jax.vmap(make_batch)(positives, drawn, pretended)

    batches = tuple(map(batches_of, groups))
    item = jnp.concatenate([batch.items.reshape(-1) for batch in batches])
    sent = jnp.concatenate([batch.present.reshape(-1) for batch in batches])
    uploaded = jnp.concatenate([jnp.sum(batch.present, axis=1) for batch in batches])
    sender = [
        jnp.broadcast_to(group.client[:, None], batch.items.shape).reshape(-1)
        for group, batch in zip(groups, batches, strict=True)
    ]
    order = jnp.argsort(jnp.concatenate(sender), stable=True)
    return batches, item, sent, order, uploaded

"""Divide and conquer: leaves out clients far along the direction of most variance."""

from typing import Annotated

import jax.numpy as jnp

from jaxfr.aggregators.base import ServerView, Stage, stateless_stage
from jaxfr.aggregators.order_statistics import kth_smallest
from jaxfr.aggregators.stages.sketches import (
    about_their_mean,
    client_sketches,
    shortened,
    top_direction,
)
from jaxfr.parts import Number, part
from jaxfr.ranges import AMOUNT, COUNT_FROM_1
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import rows_by_client, trust_clients


@part
def dnc(
    filtered: Annotated[Number, AMOUNT] = 1.0,
    columns: Annotated[int, COUNT_FROM_1] = 8,
) -> Stage:
    """Leaves out the clients that are farthest along the direction of most variance.

    With ``x_i`` all that client i sent, zeros for what it did not, ``mu`` their mean
    and ``v`` the top singular vector of the rows ``x_i - mu``, the score of a client is
    ``<x_i - mu, v>^2``, and the ``c n~`` clients with the highest scores are trusted 0,
    ``c`` being ``filtered`` and ``n~`` the declared number of Byzantine clients. All
    clients that sent a row are compared, malicious ones included; who ties with the
    last to be left out is left out, too.

    >>> rows = [[[1.0], [1.0], [2.0], [-50.0]]]  # 1 item, 4 clients, d = 1
    >>> rule = fr.chain(fr.aggregators.dnc(), fr.mean())
    >>> found, _ = fr.aggregate(rule, fr.uploads_of(rows), 1, num_clients=4)
    >>> found.client_trust
    Array([1., 1., 1., 0.], dtype=float32)

    Costs a look at each row, to sketch what clients sent in ``columns`` times d
    numbers, and 32 products of these with a vector.

    Broken by whoever is not far along that direction: honest clients with many
    interactions send long uploads, and are what varies most as soon as attackers keep
    to their length, or send few rows. Where n~ is declared too small, attackers are
    left; else honest clients are left out in each round, attack or not.

    Source: Shejwalkar and Houmansadr, "Manipulating the Byzantine: optimizing model
    poisoning attacks and defenses for federated learning", NDSS 2021. There the scores
    are of some coordinates drawn anew, repeatedly, and who is left out once is left
    out; here they are of a sketch of all, once.

    Args:
        filtered: clients that are left out for each that is declared, c.
        columns: of the sketches, each of d numbers.
    """

    def leave_out(uploads: Uploads, view: ServerView) -> Uploads:
        sent = rows_by_client(uploads, view.num_clients) > 0
        weight = sent.astype(jnp.float32)
        sketches = client_sketches(uploads, columns, view.num_clients)
        centred = about_their_mean(shortened(sketches), weight)
        score = (centred @ top_direction(centred, weight)) ** 2
        number = jnp.round(jnp.asarray(filtered) * view.expected_byzantine)
        number = jnp.minimum(number.astype(jnp.int32), jnp.sum(sent))
        rank = jnp.maximum(jnp.sum(sent) - number + 1, 1)
        least = kth_smallest(score, sent.astype(jnp.int32), rank)
        left_out = sent & (score >= least) & (score > 0) & (number > 0)
        return trust_clients(uploads, (~left_out).astype(jnp.float32))

    return stateless_stage(leave_out, sees_clients=True, expects_byzantine=True)

"""ClusterAttack: draws item embeddings together, so that rankings lose their order.

Where only a form is given, the number is set here: k lies between 1 and 50 and starts
at 2, the average of losses decays by 0.9, and the waiting time is 10 rounds and grows
by half. So are the details of k-means (``k_means.py``), which starts anew in each
round.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, OmniscientAttack, RoundView
from jaxfr.attacks.recommendation.k_means import draw_centres, k_means
from jaxfr.attacks.rows import Scope, counts_absent, own_rows, send_own_rows
from jaxfr.parts import part
from jaxfr.shapes import Float
from jaxfr.uploads import NormStatistics, Uploads, norm_statistics

FIRST_CLUSTERS, MOST_CLUSTERS = 2, 50
DECAY = 0.9
FIRST_WAITING_TIME, WAITING_GROWTH = 10.0, 1.5
NORM_SPREAD = 3.0


class ClusterCount(NamedTuple):
    """The number of clusters, and what decides when it changes; scalars all.

    Attributes:
        number: k, int32.
        average: moving average of the loss, float32.
        rounds_weight: sum of the weights that rounds have in the average, the last one
            being 1, float32; 0 where there was no round yet.
        rises: rounds in which the average rose, int32.
        falls: rounds in which it fell, int32.
        waiting_time: by how much one must outnumber the other, float32.
    """

    number: Array
    average: Array
    rounds_weight: Array
    rises: Array
    falls: Array
    waiting_time: Array


class ClusterState(NamedTuple):
    """What the colluding clients keep.

    Attributes:
        key: random key, of which each round makes its own.
        clusters: the number of clusters, and what decides it.
    """

    key: Array
    clusters: ClusterCount


def largest_count(num_items: int) -> int:
    """The most clusters that so many items are divided into."""
    return min(MOST_CLUSTERS, num_items)


def first_count(num_items: int) -> ClusterCount:
    """The number of clusters of the first round, nothing counted yet."""
    return _start_counting(
        jnp.asarray(min(FIRST_CLUSTERS, num_items), jnp.int32),
        jnp.asarray(FIRST_WAITING_TIME),
    )


def adapt(count: ClusterCount, loss: Float[Array, ""], most: int) -> ClusterCount:
    """Decides from a round's within-cluster loss how many clusters the next one has.

    The average of losses is exponential with its bias corrected,
    ``sum_s DECAY^(t - s) loss_s / sum_s DECAY^(t - s)``. Where its rises outnumber its
    falls by the waiting time, k grows by ``sqrt(most - k)``; the other way round, k
    shrinks by ``sqrt(k - 1)``. Then counting starts anew, with a longer waiting time.
    """
    rounds_weight = 1 + DECAY * count.rounds_weight
    average = count.average + (loss - count.average) / rounds_weight
    comparable = count.rounds_weight > 0
    rises = count.rises + (comparable & (average > count.average))
    falls = count.falls + (comparable & (average < count.average))
    counted = ClusterCount(
        count.number, average, rounds_weight, rises, falls, count.waiting_time
    )

    grows = rises - falls >= count.waiting_time
    shrinks = falls - rises >= count.waiting_time
    more = jnp.minimum(count.number + _rounded_root(most - count.number), most)
    fewer = jnp.maximum(count.number - _rounded_root(count.number - 1), 1)
    changed = _start_counting(
        jnp.where(grows, more, fewer), WAITING_GROWTH * count.waiting_time
    )
    return jax.tree.map(
        lambda new, old: jnp.where(grows | shrinks, new, old), changed, counted
    )


def _start_counting(clusters: Array, waiting_time: Array) -> ClusterCount:
    nothing, nobody = jnp.zeros(()), jnp.zeros((), jnp.int32)
    return ClusterCount(clusters, nothing, nothing, nobody, nobody, waiting_time)


def _rounded_root(number: Array) -> Array:
    return jnp.round(jnp.sqrt(number)).astype(jnp.int32)


def item_gradient(item: Array, centre: Array, num_clusters: Array) -> Array:
    """Derivative of the loss by one item's embedding, ``2 (v_j - c_j) / k``, ``[d]``.

    The loss within clusters is ``sum_j |v_j - c_j|^2 / k`` with c_j the centre of item
    j's cluster.
    """
    return 2 * (item - centre) / num_clusters


def scale_to_norm(row: Array, norm: Array) -> Array:
    """A row of the same direction and another norm; zeros stay zeros, ``[d]``."""
    own_norm = jnp.sqrt(jnp.sum(row**2))
    return row * (norm / jnp.where(own_norm > 0, own_norm, 1.0))


def disguised_row(
    key: Array, gradient: Float[Array, " d"], mean: Array, deviation: Array
) -> Float[Array, " d"]:
    """One client's row of one item, of norm ``a + 3 b U(0, 1)``.

    Args:
        deviation: standard deviation b of honest rows' norms, scalar.
    """
    norm = mean + NORM_SPREAD * deviation * jax.random.uniform(key)
    return scale_to_norm(gradient, norm)


@part
def cluster(scope: Scope = "dense") -> OmniscientAttack:
    """Uploads the gradient of the loss within the clusters of item embeddings.

    The gradient of item j is ``2 (v_j - c_j) / k``, c_j the centre of its cluster.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.cluster()
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2).shape
    (1, 2, 1)

    Direction and k are the same for all malicious clients; the norm of each row is
    drawn to look like those of honest rows. There is a gradient, and so a row, for
    every item in either scope; in the dense one the honest rows are those of all
    clients for all items, most of them zeros.

    Source: Yu et al., "Untargeted attack against federated recommendation systems via
    poisonous item embeddings and the defense", AAAI 2023.

    Args:
        scope: whose rows count as honest; rows are sent for every item.
    """

    def upload(
        state: ClusterState, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        return _upload(state, view, norm_statistics(benign, counts_absent(scope)))

    return OmniscientAttack(_init, upload, sends_own_rows=True)


def _init(key: Array, knowledge: Knowledge) -> AttackState:
    return ClusterState(key, first_count(knowledge.item_popularity.size))


def _upload(
    state: ClusterState, view: RoundView, honest: NormStatistics
) -> tuple[Uploads, AttackState]:
    items, k = view.item_embeddings, state.clusters.number
    most = largest_count(items.shape[0])
    key_centres, key_norms = jax.random.split(state.key)
    start = draw_centres(jax.random.fold_in(key_centres, view.round), items, most)
    found = k_means(items, start, k)
    centres = found.centres[found.cluster]
    gradients = jax.vmap(item_gradient, in_axes=(0, 0, None))(items, centres, k)
    loss = jnp.sum(jnp.square(items - centres)) / k

    def draw(key: Array, gradient: Array) -> Array:
        return disguised_row(key, gradient, honest.mean, honest.deviation)

    rows = own_rows(draw, key_norms, view, gradients)
    anybody = jnp.any(view.taking_part)
    clusters = jax.tree.map(
        lambda new, old: jnp.where(anybody, new, old),
        adapt(state.clusters, loss, most),
        state.clusters,
    )
    uploads = send_own_rows(rows, jnp.ones(rows.shape[:2], bool), view)
    return uploads, ClusterState(state.key, clusters)

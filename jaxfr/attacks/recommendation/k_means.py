"""k-means with a number of clusters that is not known to the compiler."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.blocks import add_rows, sum_by_index
from jaxfr.shapes import Float, Int

SMALLEST_MOVE = 1e-4
MOST_STEPS = 50


class Clustering(NamedTuple):
    """Centres, of which the first k count, and each point's cluster.

    Attributes:
        cluster: number of the nearest centre.
    """

    centres: Float[Array, "room d"]
    cluster: Int[Array, " points"]


def draw_centres(key: Array, points: Float[Array, "points d"], room: int) -> Array:
    """Draws distinct points at random, any k of the first k alike, ``[room, d]``.

    Args:
        room: how many, static, at most the number of points.
    """
    priority = jax.random.uniform(key, points.shape[:1])
    return points[jax.lax.top_k(priority, room)[1]]


def distances(points: Array, centre: Array) -> Float[Array, " points"]:
    """``|c|^2 / 2 - v.c`` of a centre c to each point v.

    That is half of ``|v - c|^2``, less what is the same for all centres.
    """
    product = jnp.matmul(points, centre, precision=jax.lax.Precision.HIGHEST)
    return 0.5 * jnp.sum(centre**2) - product


def nearest_centres(
    points: Float[Array, "points d"],
    centres: Float[Array, "room d"],
    num_clusters: Int[Array, ""],
) -> Int[Array, " points"]:
    """The centre of smallest distance to each point, the first of equal ones."""
    room = centres.shape[0]
    number = jnp.arange(room, dtype=jnp.int32)[:, None]
    distance = jax.vmap(distances, in_axes=(None, 0))(points, centres)
    distance = jnp.where(number < num_clusters, distance, jnp.inf)
    # An argmin, which takes three times as long on a CPU.
    is_nearest = distance == jnp.min(distance, axis=0)
    # Within the room even where a point is not finite and no centre is nearest.
    return jnp.min(jnp.where(is_nearest, number, room - 1), axis=0)


def lloyd_step(points: Array, centres: Array, num_clusters: Array) -> Array:
    """Moves each centre to the mean of its points; one without points stays."""
    cluster = nearest_centres(points, centres, num_clusters)
    room = centres.shape[0]
    size = sum_by_index(jnp.ones(cluster.shape), cluster, room)[:, None]
    total = add_rows(jnp.zeros_like(centres), cluster, points)
    return jnp.where(size > 0, total / jnp.maximum(size, 1), centres)


def k_means(
    points: Float[Array, "points d"],
    centres: Float[Array, "room d"],
    num_clusters: Int[Array, ""],
) -> Clustering:
    """Lloyd's algorithm with squared Euclidean distances.

    It ends when no centre moved as far as ``SMALLEST_MOVE``, or after ``MOST_STEPS``
    steps. Source: Lloyd, "Least squares quantization in PCM", 1982.

    Args:
        num_clusters: k, how many of them count, at least 1.
    """

    def moving(progress: tuple[Array, Array, Array]) -> Array:
        _, moved, steps = progress
        return (moved >= SMALLEST_MOVE) & (steps < MOST_STEPS)

    def step(progress: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        centres, _, steps = progress
        following = lloyd_step(points, centres, num_clusters)
        distance = jnp.sqrt(jnp.sum(jnp.square(following - centres), axis=1))
        return following, jnp.max(distance), steps + 1

    start = centres, jnp.asarray(jnp.inf), jnp.zeros((), jnp.int32)
    centres, _, _ = jax.lax.while_loop(moving, step, start)
    return Clustering(centres, nearest_centres(points, centres, num_clusters))

"""What a stage knows of the population: numbers of the clients that took part."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.order_statistics import weighted_median
from jaxfr.shapes import Bool, Float


def median_of_clients(
    numbers: Float[Array, " clients"], taking_part: Bool[Array, " clients"]
) -> Float[Array, ""]:
    """The median over the clients that take part; 0 where nobody does.

    Malicious clients are among them: nobody tells the server who they are.
    """
    return weighted_median(numbers, taking_part.astype(jnp.int32))


def share_of(numbers: Array, whole: Array) -> Float[Array, " clients"]:
    """Numbers as shares of a whole, which is 0 only where they are."""
    return numbers / jnp.where(whole > 0, whole, 1)

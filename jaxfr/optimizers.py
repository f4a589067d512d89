"""Optimisers of clients and server by name, and their steps on rows.

A new one is a function and a line in ``OPTIMIZERS``. Each is told the experiment's
learning rate, and may have one of its own.
"""

from collections.abc import Callable
from typing import Annotated

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxfr.catalogues import Catalogue, by_name, show_catalogues
from jaxfr.parts import Number, part
from jaxfr.ranges import AMOUNT
from jaxfr.shapes import Bool, Float

Optimizer = Callable[[Array], optax.GradientTransformation]
"""From the experiment's learning rate to the steps of one row."""

Rate = Annotated[Number, AMOUNT]


@part
def sgd(learning_rate: Rate | None = None) -> Optimizer:
    """Steps against the gradient, as in the paper.

    ``v <- v - eta g``.

    >>> steps = fr.optimizers.sgd(0.5).make()(0.1)  # the experiment's rate is 0.1
    >>> value = jnp.ones(1)
    >>> step, _ = steps.update(value, steps.init(value), value)
    >>> float(step[0].round(3))
    -0.5

    Source: Robbins and Monro, 1951.

    Args:
        learning_rate: eta; none: that of the experiment.
    """
    return lambda common: optax.sgd(_own_or(common, learning_rate))


@part
def momentum(learning_rate: Rate | None = None) -> Optimizer:
    """Gradient descent with momentum 0.9 (Polyak, 1964).

    ``m <- 0.9 m + g``, ``v <- v - eta m``.

    >>> steps = fr.optimizers.momentum(0.5).make()(0.1)  # the experiment's rate is 0.1
    >>> value = jnp.ones(1)
    >>> step, _ = steps.update(value, steps.init(value), value)
    >>> float(step[0].round(3))
    -0.5

    Args:
        learning_rate: eta; none: that of the experiment.
    """
    return lambda common: optax.sgd(_own_or(common, learning_rate), momentum=0.9)


@part
def adam(learning_rate: Rate | None = None) -> Optimizer:
    """Adam (Kingma and Ba, ICLR 2015), decays 0.9 and 0.999.

    ``v <- v - eta m / (sqrt(s) + 1e-8)``, both moments corrected for their start.

    >>> steps = fr.optimizers.adam(0.5).make()(0.1)  # the experiment's rate is 0.1
    >>> value = jnp.ones(1)
    >>> step, _ = steps.update(value, steps.init(value), value)
    >>> float(step[0].round(3))
    -0.5

    Args:
        learning_rate: eta; none: that of the experiment.
    """
    return lambda common: optax.adam(_own_or(common, learning_rate))


def _own_or(common: Array, own: Array | float | None) -> Array | float:
    return common if own is None else own


OPTIMIZERS: Catalogue[Optimizer] = by_name(sgd, momentum, adam)
"""The optimisers by name."""

__all__ = ["OPTIMIZERS", "Optimizer", "adam", "momentum", "sgd"]


def init_rows(
    optimizer: optax.GradientTransformation, values: Float[Array, "rows d"]
) -> optax.OptState:
    """The optimiser's state of each row on its own, leading axis ``[rows]``."""
    return jax.vmap(optimizer.init)(values)


def learn_rows(
    optimizer: optax.GradientTransformation,
    values: Float[Array, "rows d"],
    states: optax.OptState,
    gradients: Float[Array, "rows d"],
    learning: Bool[Array, " rows"],
) -> tuple[Array, optax.OptState]:
    """A step of each row that learns; the others keep their values and their state.

    A row that does not learn does not age either: its momentum and its moments do not
    decay, and its next step is corrected for the steps that it has taken itself.

    Args:
        states: leading axis ``[rows]``, see :func:`init_rows`.

    Returns:
        The values and states after it.
    """

    def one_row(
        value: Array, state: optax.OptState, gradient: Array, learns: Array
    ) -> tuple[Array, optax.OptState]:
        step, new_state = optimizer.update(gradient, state, value)
        moved = jnp.asarray(optax.apply_updates(value, step))
        return jax.tree.map(
            lambda new, old: jnp.where(learns, new, old),
            (moved, new_state),
            (value, state),
        )

    return jax.vmap(one_row)(values, states, gradients, learning)


show_catalogues(__name__)


def __dir__() -> list[str]:
    return __all__

"""Optimisers by name, of clients and server. A new one is a function and a line here.

Each is told the experiment's learning rate, and may have one of its own.
"""

from collections.abc import Callable
from typing import Annotated

import optax
from jax import Array

from jaxfr.parts import Catalogue, Number, by_name, part
from jaxfr.ranges import AMOUNT

Optimizer = Callable[[Array], optax.GradientTransformation]
"""From the experiment's learning rate to the steps of one row."""

Rate = Annotated[Number, AMOUNT]


@part
def sgd(learning_rate: Rate | None = None) -> Optimizer:
    """Steps against the gradient, as in the paper.

    Args:
        learning_rate: eta; none: that of the experiment.
    """
    return lambda common: optax.sgd(_own_or(common, learning_rate))


@part
def momentum(learning_rate: Rate | None = None) -> Optimizer:
    """Gradient descent with momentum 0.9 (Polyak, 1964).

    Args:
        learning_rate: eta; none: that of the experiment.
    """
    return lambda common: optax.sgd(_own_or(common, learning_rate), momentum=0.9)


@part
def adam(learning_rate: Rate | None = None) -> Optimizer:
    """Adam (Kingma and Ba, ICLR 2015), decays 0.9 and 0.999.

    Args:
        learning_rate: eta; none: that of the experiment.
    """
    return lambda common: optax.adam(_own_or(common, learning_rate))


def _own_or(common: Array, own: Array | float | None) -> Array | float:
    return common if own is None else own


OPTIMIZERS: Catalogue[Optimizer] = by_name(sgd, momentum, adam)

"""Steps of an optimiser, taken by some of many rows: clients, or the server's items."""

import jax
import jax.numpy as jnp
import optax
from jax import Array


def init_rows(optimizer: optax.GradientTransformation, values: Array) -> optax.OptState:
    """The optimiser's state of each row on its own, leading axis ``[rows]``.

    Args:
        optimizer: of one row.
        values: float32 ``[rows, d]``.
    """
    return jax.vmap(optimizer.init)(values)


def learn_rows(
    optimizer: optax.GradientTransformation,
    values: Array,
    states: optax.OptState,
    gradients: Array,
    learning: Array,
) -> tuple[Array, optax.OptState]:
    """A step of each row that learns; the others keep their values and their state.

    A row that does not learn does not age either: its momentum and its moments do not
    decay, and its next step is corrected for the steps that it has taken itself.

    Args:
        optimizer: of one row.
        values: float32 ``[rows, d]``.
        states: leading axis ``[rows]``, see :func:`init_rows`.
        gradients: float32 ``[rows, d]``.
        learning: bool ``[rows]``.

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

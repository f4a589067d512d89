"""What attacks can be told."""

from typing import Literal, NamedTuple

from jax import Array

from jaxfr.models import Model

Scope = Literal["dense", "sparse"]


class AttackOptions(NamedTuple):
    """What attacks can be told; each reads what concerns it.

    Attributes:
        scope: of the baselines: ``"dense"``, where clients that sent an item nothing
            count as zero rows in its statistics and every malicious client sends a row
            for every item; or ``"sparse"``, over the rows that were received, with
            malicious rows only where there is a gradient.
        lie_z: how many deviations LIE moves by; None for its formula.
        learning_rate: with which a malicious client trains an embedding of its own.
        regularization: L2 coefficient lambda in its gradients.
        model: the recommender that a malicious client computes gradients of; None
            where no attack needs any.
    """

    scope: Scope = "dense"
    lie_z: Array | float | None = None
    learning_rate: Array | float = 0.01
    regularization: Array | float = 0.1
    model: Model | None = None

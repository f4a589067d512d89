"""Recommenders by name. A new model is one new file and one line in ``MODELS``."""

from collections.abc import Callable, Mapping

from jaxfr.models.base import (
    ClientGradient,
    ClientView,
    Model,
    Neighbours,
    PairGradient,
    PairGradients,
    Weights,
)
from jaxfr.models.fedgnn import fedgnn
from jaxfr.models.fedmf import fedmf
from jaxfr.models.mlp import mlp

__all__ = [
    "MODELS",
    "ClientGradient",
    "ClientView",
    "Model",
    "Neighbours",
    "PairGradient",
    "PairGradients",
    "Weights",
    "fedgnn",
    "fedmf",
    "mlp",
]

MODELS: Mapping[str, Callable[[], Model]] = {
    "fedmf": fedmf,
    "fedgnn": fedgnn,
    "mlp": mlp,
}

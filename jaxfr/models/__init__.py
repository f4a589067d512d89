"""Recommenders by name. A new model is one new file and one line in ``MODELS``."""

from jaxfr.catalogues import Catalogue, by_name, show_catalogues
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

MODELS: Catalogue[Model] = by_name(fedmf, fedgnn, mlp)
"""The recommenders by name."""

show_catalogues(__name__)


def __dir__() -> list[str]:
    return __all__

"""Recommenders by name. A new model is one new file and one line in ``MODELS``."""

from collections.abc import Callable, Mapping

from jaxfr.models.base import ClientGradient, Model, PairGradient, PairGradients
from jaxfr.models.fedmf import fedmf

__all__ = [
    "MODELS",
    "ClientGradient",
    "Model",
    "PairGradient",
    "PairGradients",
    "fedmf",
]

MODELS: Mapping[str, Callable[[], Model]] = {"fedmf": fedmf}

"""Stages that wait for all rows of a round: whose rows count, and how far."""

from jaxfr.aggregators.stages.budget import budget
from jaxfr.aggregators.stages.caf import caf
from jaxfr.aggregators.stages.clip_adaptive import clip_adaptive
from jaxfr.aggregators.stages.clip_growth import clip_growth
from jaxfr.aggregators.stages.dnc import dnc
from jaxfr.aggregators.stages.flame import flame
from jaxfr.aggregators.stages.fools_gold import fools_gold
from jaxfr.aggregators.stages.overlap import overlap
from jaxfr.aggregators.stages.realisable import realisable
from jaxfr.aggregators.stages.reputation import reputation
from jaxfr.aggregators.stages.sign_guard import sign_guard

__all__ = [
    "budget",
    "caf",
    "clip_adaptive",
    "clip_growth",
    "dnc",
    "flame",
    "fools_gold",
    "overlap",
    "realisable",
    "reputation",
    "sign_guard",
]

"""Stages that make other rows of each item's rows, before any rule."""

from jaxfr.aggregators.item_stages.arc import arc
from jaxfr.aggregators.item_stages.bucketing import bucketing
from jaxfr.aggregators.item_stages.nearest_neighbour_mixing import (
    nearest_neighbour_mixing,
)

__all__ = ["arc", "bucketing", "nearest_neighbour_mixing"]

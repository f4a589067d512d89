"""Data in: interactions as a ``Dataset``, its sources and its statistics."""

from jaxfr.data.columns import TableOptions
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.data.datasets import DATASETS, LoadOptions, check_dataset_text, load_dataset
from jaxfr.data.statistics import (
    TAIL_DEGREE,
    DatasetStatistics,
    DegreeDistribution,
    dataset_statistics,
    degree_distribution,
)
from jaxfr.data.synthetic import synthetic_dataset

__all__ = [
    "DATASETS",
    "NO_TEST_ITEM",
    "TAIL_DEGREE",
    "Dataset",
    "DatasetStatistics",
    "DegreeDistribution",
    "LoadOptions",
    "TableOptions",
    "check_dataset_text",
    "dataset_statistics",
    "degree_distribution",
    "load_dataset",
    "synthetic_dataset",
]

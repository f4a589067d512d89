"""A small data set with a long tail, as settings and as loaded data."""

import functools

from experiments.studies.study import Material
from jaxfr.sweeps.settings import Settings
from jaxfr.sweeps.sources import Source, load_sources, source_name

BASE = Settings(
    dataset="synthetic",
    synthetic="num_users=120,num_items=200,num_pairs=1200",
    embedding_dim=4,
    rounds=3,
    num_candidates=9,
)
MATERIAL = Material((BASE,), (), None)


@functools.cache
def source() -> Source:
    """The data that ``BASE`` names."""
    name = source_name(BASE)
    return load_sources([name], None)[name]

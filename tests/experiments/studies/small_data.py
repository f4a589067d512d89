"""A small data set with a long tail, as a run of it and as loaded data."""

from experiments.studies.base import Material
from jaxfr.experiment import Experiment
from jaxfr.models import fedmf
from jaxfr.sweeps.request import RunRequest
from jaxfr.sweeps.sources import load_sources, source_name

BASE = RunRequest(
    Experiment(model=fedmf(4), num_candidates=9),
    dataset="synthetic:num_users=120:num_items=200:num_pairs=1200",
    rounds=3,
)
MATERIAL = Material((BASE,), (), None)
SOURCE = load_sources([source_name(BASE)], None)[source_name(BASE)]
DATASET = SOURCE.dataset

"""Studies over invented records: what they say follows from numbers known by heart."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from experiments.studies.base import Finding, Material, Section, Study, Table
from jaxfr.evaluation import metric_names
from jaxfr.sweeps.request import RunRequest, recorded_options

USERS = 900


class Told(NamedTuple):
    """What a record tells of its run, as far as tests look at it."""

    dataset: str
    eval_every: int
    model: str
    aggregator: str
    attack: str
    malicious_ratio: float
    attack_start: int
    repeated_negatives: str
    embedding_dim: int
    scope: str = "dense"
    noise_scale: float = 1.0
    max_poisoned_items: int = 0


def tell(request: RunRequest) -> Told:
    recorded = recorded_options(request, request.experiment)
    return Told(**{name: recorded[name] for name in Told._fields if name in recorded})


def wanted_by(study: Study, chosen: Sequence[RunRequest]) -> list[Told]:
    """The runs that a study wants."""
    return list(map(tell, study.wanted(chosen)))


def bases(*datasets: str, seeds: int = 1) -> list[RunRequest]:
    return [
        RunRequest(dataset=dataset, seed=seed)
        for dataset in datasets
        for seed in range(seeds)
    ]


def record(value: float, **others: object) -> dict:
    """A run of 900 users ranked among 100 items, all of whose metrics are a value."""
    return {
        **dict.fromkeys(metric_names(), value),
        "users_head": USERS - 500,
        "users_middle": 300,
        "users_tail": 200,
        "num_ranked": 100,
        "curve": [],
        **others,
    }


def present(
    study: Study, chosen: Sequence[RunRequest], run: Callable[[Told], dict]
) -> Section:
    """What a study makes of records that are invented from what it wants."""
    records = tuple(map(run, wanted_by(study, chosen)))
    return study.present(Material(tuple(chosen), records, None))


def finding(section: Section, words: str) -> Finding:
    """The only finding whose statement has these words."""
    (found,) = [f for f in section.findings if words in f.statement]
    return found


def table(section: Section, words: str) -> Table:
    """The only table whose caption has these words."""
    (found,) = [t for t in section.tables if words in t.caption]
    return found


def cell(shown: Table, column: str, *row: str) -> str:
    """The cell of a column in the only row that begins with these cells."""
    (found,) = [r for r in shown.rows if r[: len(row)] == row]
    return found[shown.header.index(column)]

"""Studies over invented records: what they say follows from numbers known by heart."""

from collections.abc import Callable, Sequence

from experiments.studies.section import Finding, Section, Table
from experiments.studies.study import Material, Study
from jaxfr.evaluation.metrics import metric_names
from jaxfr.sweeps.settings import Settings

USERS = 900


def bases(*datasets: str, seeds: int = 1) -> list[Settings]:
    return [
        Settings(dataset=dataset, seed=seed)
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
    study: Study, chosen: Sequence[Settings], run: Callable[[Settings], dict]
) -> Section:
    """What a study makes of records that are invented from the settings."""
    records = tuple(run(settings) for settings in study.wanted(chosen))
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

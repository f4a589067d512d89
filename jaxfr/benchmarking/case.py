"""A case of the benchmark: what is measured."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from jaxfr.attacks.base import least_benign_clients
from jaxfr.data import Dataset, LoadOptions, TableOptions, load_dataset
from jaxfr.data.datasets import dataset_name, find_dataset
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.records.record import Record
from jaxfr.texts import read_part


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured, each field by its flag's name."""

    aggregator: str = "mean"
    attack: str = "none"
    malicious_ratio: float = 0.05
    model: str = "fedmf"
    num_devices: int = 1
    runs: int = 1
    rounds: int = 10
    repeats: int = 7
    eval_every: int = 0
    whole_rounds: int = 0
    most_seconds: float | None = None
    references: tuple[str, ...] = ()
    reference_threads: int = 1
    dataset: str = "ml-100k"
    data_dir: str | None = None
    table: TableOptions = dataclasses.field(default_factory=TableOptions)

    @property
    def embedding_dim(self) -> int:
        """That of the model."""
        return read_part("model", self.model).make().embedding_dim

    def experiment(self) -> Experiment:
        """What is run, with whatever data; a value without a meaning is refused."""
        return Experiment(
            model=read_part("model", self.model),
            attack=read_part("attack", self.attack),
            aggregator=read_part("aggregator", self.aggregator),
            malicious_ratio=self.malicious_ratio,
        )

    def check(self) -> None:
        """Refuses what can be seen to be wrong without data and devices."""
        find_dataset(self.dataset)
        ratio = self.malicious_ratio
        clients = least_benign_clients(ratio) if ratio else 1
        self.experiment().with_data(clients, self.dataset)

    def load(self) -> Dataset:
        """Loads the data, or refuses them."""
        return load_dataset(self.dataset, LoadOptions(self.data_dir, self.table))

    def foretold_seconds(self, records: Sequence[Record]) -> float:
        """What a call would take by records of the same with fewer runs; 0 for none."""
        names = ("aggregator", "attack", "model", "num_devices")
        alike = {name: getattr(self, name) for name in names}
        alike["dataset"] = dataset_name(self.dataset)
        per_run = [
            record["seconds_per_run_and_round"]["median"]
            for record in records
            if all(record[name] == value for name, value in alike.items())
        ]
        return min(per_run, default=0.0) * self.rounds * self.runs


def all_cases(lists: Mapping[str, Sequence[Any]], **shared: Any) -> list[Case]:
    """Every combination of some fields' values, the last ones changing first; checked.

    No case, or one that occurs twice, is refused.
    """
    cases = []
    for values in itertools.product(*lists.values()):
        cases.append(Case(**shared, **dict(zip(lists, values, strict=True))))
    for case in cases:
        case.check()
    if not cases or len(set(cases)) != len(cases):
        raise InvalidInputError(
            "dataset, aggregator and attack: name one each, or several distinct ones"
        )
    return cases


def data_of_size(num_pairs: int, of_user: int) -> str:
    """A synthetic data set's text: items by the root of its number of interactions.

    A user has ``of_user`` of these on average.
    """
    users = min(num_pairs // of_user, 10**6)
    items = min(14 * math.isqrt(num_pairs), 10**5)
    return f"synthetic:num_users={users}:num_items={items}:num_pairs={num_pairs}"

"""A run that is wanted: an experiment with its data, its rounds and its seed."""

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from jaxfr.attacks.base import least_benign_clients
from jaxfr.data.datasets import own_files_of_dataset
from jaxfr.experiment import PART_KINDS, Experiment
from jaxfr.jax_settings import check_jax_settings
from jaxfr.own_files import COPIES, OwnFile, keep_copies, own_files
from jaxfr.parts import Option, Part, factories_within, options_of
from jaxfr.ranges import COUNT, COUNT_FROM_1, SEED
from jaxfr.texts import EXPERIMENT_OPTIONS, read_field, write_field
from jaxfr.training.checks import check_attack


@dataclasses.dataclass(frozen=True)
class RunRequest:
    """Everything that decides a run, but for the data's content and the code.

    Attributes:
        experiment: what is run.
        dataset: a data set's text, see ``jaxfr/data/datasets.py``.
        rounds: rounds; every client takes part once in each.
        eval_every: evaluates after every so many rounds, and after the last; 0: after
            the last only.
        init_from: file (.npz) with the arrays user_embeddings [n, d] and
            item_embeddings [m, d] to start from, and if wanted negatives (one for each
            training pair, in the data set's order), noise [m, d] (for the L attacks)
            and weights [w] (for a model with shared weights, as one row of numbers).
        seed: decides every random draw.

    Raises:
        InvalidInputError: names the field, its value and what is allowed.
    """

    experiment: Experiment = Experiment()
    dataset: str = "ml-100k"
    rounds: Annotated[int, COUNT_FROM_1] = 200
    eval_every: Annotated[int, COUNT] = 10
    init_from: str | None = None
    seed: Annotated[int, SEED] = 0

    def __post_init__(self) -> None:
        """Refuses numbers that are out of range."""
        for option in options_of(RunRequest):
            option.check(getattr(self, option.name))

    def replace(self, **changed: Any) -> "RunRequest":
        """The same run with other values of its fields or its experiment's.

        Parts may be texts, as in ``attack="lie:1.5"``.
        """
        own, inner = {}, {}
        for name, value in changed.items():
            if name in EXPERIMENT_OPTIONS:
                is_text = isinstance(value, str) and name in _READ
                inner[name] = read_field(name, value) if is_text else value
            else:
                own[name] = value
        if inner:
            own["experiment"] = dataclasses.replace(self.experiment, **inner)
        return dataclasses.replace(self, **own)

    def value(self, name: str) -> Any:
        """The value of a field of the run or of its experiment."""
        holder = self.experiment if name in EXPERIMENT_OPTIONS else self
        return getattr(holder, name)

    def texts(self) -> dict[str, str]:
        """All fields but the seed as texts, as their flags write them."""
        return {name: write_field(name, self.value(name)) for name in RUN_OPTIONS}


_READ = (*PART_KINDS, "metrics", "targets")

_OWN_OPTIONS = {option.name: option for option in options_of(RunRequest)}

RUN_OPTIONS: Mapping[str, Option] = {
    name: option
    for name, option in {
        "dataset": _OWN_OPTIONS["dataset"],
        **EXPERIMENT_OPTIONS,
        **_OWN_OPTIONS,
    }.items()
    if name not in ("experiment", "seed", "malicious_clients")
}
"""What a run can be told on a command line and in files, but for its seed.

(The number of malicious clients follows from their ratio.)
"""


def recorded_options(request: RunRequest, settled: Experiment) -> dict[str, Any]:
    """What a record says of a run: every field by name, and every part's options.

    Parts are told by their names. Where two of them have an option of one name, the
    second is told with its field in front. ``settled`` is the run's experiment, from
    ``Experiment.with_data``.
    """
    recorded: dict[str, Any] = {
        name: request.value(name) for name in (*RUN_OPTIONS, "seed")
    }
    recorded["malicious_clients"] = settled.malicious_clients
    recorded["expected_byzantine"] = settled.expected_byzantine
    recorded["metrics"] = ",".join(metric.name for metric in recorded["metrics"])
    recorded["targets"] = write_field("targets", recorded["targets"])
    for field in PART_KINDS:
        part = recorded[field]
        recorded[field] = part.name
        for place, (name, value) in enumerate(_options_within(part)):
            free = [name, f"{field}_{name}", f"{field}_{place}_{name}"]
            recorded[next(one for one in free if one not in recorded)] = value
    files = sorted({file.copy_name for file in own_files_of(request)})
    return recorded | ({COPIES: ",".join(files)} if files else {})


def flags_of(request: RunRequest, of_data: Mapping[str, object]) -> list[str]:
    """The flags that name a run, but for its seed, where they are not as by default.

    >>> flags_of(RunRequest(rounds=7).replace(attack="lie:2"), {"min_rating": 4})
    ['--dataset=ml-100k', '--min_rating=4', '--attack=lie:lie_z=2.0', '--rounds=7']

    Args:
        request: the run.
        of_data: what is said of its data beside their name, by flag.
    """
    defaults = RunRequest().texts()
    texts = {name: t for name, t in request.texts().items() if t != defaults[name]}
    for file in dict.fromkeys(own_files_of(request)):
        for name, text in texts.items():
            texts[name] = text.replace(f"{file.name}:", f"{file.path}:")
    told = {"dataset": request.dataset, **of_data, **texts}
    return [f"--{name}={value}" for name, value in told.items()]


def own_files_of(request: RunRequest) -> list[OwnFile]:
    """The files that the parts and the metrics of a run come from."""
    return [file for part in request.experiment.parts for file in own_files(part)]


def modules_of_parts(request: RunRequest) -> frozenset[str] | None:
    """The modules of jaxfr that a run's parts come from.

    None, which stands for all of them, where a part is from elsewhere: what that uses
    of jaxfr is not known.
    """
    parts = request.experiment.parts
    factories = [one for part in parts for one in factories_within(part)]
    if any(one.is_own for one in factories):
        return None
    return frozenset(one.function.__module__ for one in factories)


def keep_own_files(requests: Iterable[RunRequest], folder: pathlib.Path) -> None:
    """Lets copies of the files that runs come from lie beside their results."""
    keep_copies(
        (
            file
            for one in requests
            for file in (*own_files_of(one), *own_files_of_dataset(one.dataset))
        ),
        folder,
    )


def _options_within(part: Part[Any]) -> list[tuple[str, Any]]:
    inner = [one for each in part.parts for one in _options_within(each)]
    own = [
        (name, str(value) if isinstance(value, Part) else value)
        for name, value in part.options.items()
    ]
    return [*own, *inner]


def check_alone(request: RunRequest) -> None:
    """Refuses what has no meaning with any number of clients."""
    check_jax_settings()
    ratio = request.experiment.malicious_ratio
    clients = least_benign_clients(float(ratio)) if ratio else 1
    settled = request.experiment.with_data(clients, request.dataset)
    check_attack(settled, settled.malicious_clients or 0, request.rounds)

"""Which runs read an option, so that none is given in vain."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.request import RunRequest
from jaxfr.texts import write_field


class Reader(NamedTuple):
    """What a run needs in order to read an option, in words, and whether a run does."""

    words: str
    reads: Callable[[RunRequest], bool]


# Options that are not here are read by every run, or refused where they are not read;
# those of a part are the part's. (malicious_ratio belongs to a clean run too: it names
# the runs that it stands beside.)
READERS: Mapping[str, Reader] = {
    "attack_start": Reader("an attack", lambda r: not r.experiment.is_clean),
    "expected_byzantine": Reader(
        "an aggregator that expects some, such as trimmed_mean or krum",
        lambda r: r.experiment.rule().expects_byzantine,
    ),
    "num_candidates": Reader(
        "ranking=sampled, or a metric sampled_ or within_third_",
        lambda r: r.experiment.ranks("sampled") or r.experiment.ranks("within_third"),
    ),
    "targets": Reader(
        "a metric er@K, as in metrics=hr@10,er@10, or a targeted attack",
        lambda r: (
            r.experiment.ranks("targets") or r.experiment.attack.make().promotes_targets
        ),
    ),
}


def check_read(wanted: Sequence[RunRequest]) -> None:
    """Refuses an option that none of all runs of a command reads; says what would.

    An option that keeps its default is nobody's wish, and where runs differ in what
    they read, as an attack beside the clean run, it is enough that one of them does.
    """
    defaults = RunRequest()
    for name, reader in READERS.items():
        values = dict.fromkeys(request.value(name) for request in wanted)
        values.pop(defaults.value(name), None)
        if values and not any(map(reader.reads, wanted)):
            given = write_field(name, next(iter(values)))
            raise InvalidInputError(
                f"{name}={given}: no run reads it; that needs {reader.words}"
            )

"""Which runs read a setting, so that none is given in vain."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.settings import Settings, rankings_of
from jaxfr.training.settings import expects_byzantine


class Reader(NamedTuple):
    """Who reads a setting.

    Attributes:
        words: what a run needs in order to read it.
        reads: whether a run does.
    """

    words: str
    reads: Callable[[Settings], bool]


def _is_baseline(settings: Settings) -> bool:
    return settings.attack != CLEAN and not settings.attack.startswith("spattack")


def _expects_byzantine(settings: Settings) -> bool:
    share_given = settings.trim_share is not None
    return expects_byzantine(settings.aggregator, settings.trim_form, share_given)


# Settings that are not here are read by every run, or refused where they are not read.
# (malicious_ratio belongs to a clean run too: it names the runs that it stands beside.)
READERS: Mapping[str, Reader] = {
    "synthetic": Reader("dataset=synthetic", lambda s: s.dataset == "synthetic"),
    "scope": Reader("a baseline attack, such as attack=lie", _is_baseline),
    "lie_z": Reader("attack=lie", lambda s: s.attack == "lie"),
    "attack_start": Reader("an attack", lambda s: s.attack != CLEAN),
    "noise_scale": Reader(
        "attack=spattack_l_d or spattack_l_s",
        lambda s: s.attack in ("spattack_l_d", "spattack_l_s"),
    ),
    "max_poisoned_items": Reader(
        "attack=spattack_o_s or spattack_l_s",
        lambda s: s.attack in ("spattack_o_s", "spattack_l_s"),
    ),
    "expected_byzantine": Reader(
        "aggregator=trimmed_mean without a share, or krum", _expects_byzantine
    ),
    "trim_form": Reader(
        "aggregator=trimmed_mean", lambda s: s.aggregator == "trimmed_mean"
    ),
    "trim_share": Reader(
        "aggregator=trimmed_mean with trim_form=classic",
        lambda s: s.aggregator == "trimmed_mean" and s.trim_form == "classic",
    ),
    "krum_distance": Reader("aggregator=krum", lambda s: s.aggregator == "krum"),
    "num_candidates": Reader(
        "ranking=sampled, or a metric sampled_ or within_third_",
        lambda s: bool({"sampled", "within_third"} & rankings_of(s)),
    ),
    "targets": Reader(
        "a metric er@K, as in metrics=hr@10,er@10",
        lambda s: "targets" in rankings_of(s),
    ),
}


def check_read(
    wanted: Sequence[Settings], names: Collection[str] = READERS.keys()
) -> None:
    """Refuses a setting that none of some runs reads.

    A setting that keeps its default is nobody's wish, and where runs differ in what
    they read, as an attack beside the clean run, it is enough that one of them does.

    Args:
        wanted: the settings of all runs of a command.
        names: settings to look at, of ``READERS``; by default all.

    Raises:
        InvalidInputError: names the setting, its value and what would read it.
    """
    defaults = Settings()
    for name in names:
        reader = READERS[name]
        values = {getattr(settings, name) for settings in wanted}
        values.discard(getattr(defaults, name))
        if values and not any(map(reader.reads, wanted)):
            raise InvalidInputError(
                f"{name}={next(iter(values))}: no run reads it; that needs "
                f"{reader.words}"
            )

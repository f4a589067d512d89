"""Lists what there is: attacks, aggregators, stages, models, metrics, presets, ...

jaxfr list            says of what there are lists
jaxfr list attacks    all attacks, a line each
jaxfr list lie        a part with its options
"""

from collections.abc import Mapping, Sequence

from jaxfr.aggregators import AGGREGATORS, STAGES
from jaxfr.attacks import ATTACKS
from jaxfr.data import DATASETS
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.evaluation.metrics import METRICS
from jaxfr.models import MODELS
from jaxfr.optimizers import OPTIMIZERS
from jaxfr.parts import Catalogue, describe_part, summary
from jaxfr.presets import preset_names, preset_summary
from jaxfr.records.table import align

MOST_WORDS = 1

PARTS: Mapping[str, Catalogue] = {
    "attacks": ATTACKS,
    "aggregators": AGGREGATORS,
    "stages": STAGES,
    "models": MODELS,
    "optimizers": OPTIMIZERS,
}


def main(word: str = "") -> None:
    """Prints the list, or the part, that a word names."""
    print(listing(word))


def listing(word: str = "") -> str:
    """The list or the part of this name; without one, which lists there are.

    Raises:
        InvalidInputError: if there is neither.
    """
    if not word:
        names = ", ".join([*PARTS, "metrics", "datasets", "presets"])
        return f"jaxfr list WORD, of {names}; or of one part, as jaxfr list lie"
    lists = {
        **{name: _of_parts(catalogue) for name, catalogue in PARTS.items()},
        "metrics": [(name, summary(made)) for name, made in METRICS.items()],
        "datasets": [(name, summary(load)) for name, load in DATASETS.items()],
        "presets": [(name, preset_summary(name)) for name in preset_names()],
    }
    if word in lists:
        return align(lists[word])
    parts = {
        name: one for catalogue in PARTS.values() for name, one in catalogue.items()
    }
    if word not in parts:
        known = [*lists, *parts]
        raise InvalidInputError(
            f"{word!r}: no list and no part{nearest(word, known)}; lists are "
            f"{', '.join(lists)}"
        )
    return describe_part(parts[word])


def _of_parts(catalogue: Catalogue) -> Sequence[tuple[str, str]]:
    return [(name, summary(factory)) for name, factory in catalogue.items()]

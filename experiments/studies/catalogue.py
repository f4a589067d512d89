"""All studies by name, in the order of the paper: in full, and a quick choice."""

from collections.abc import Mapping, Sequence

from experiments.studies import (
    figure1_2,
    figure3,
    figure4,
    figure5,
    hyperparameters,
    table2,
    table3,
)
from experiments.studies.hyperparameters.sweeps import NOISE_SCALE, POISONED_ITEMS
from experiments.studies.study import Study
from jaxfr.errors import InvalidInputError

# Trimmed mean and Krum cost 20 to 100 times the mean.
_QUICK_RULES = ("mean", "median", "norm")
_QUICK_ROUNDS = 20
_QUICK_STARTS = (0, 60)

STUDIES: Mapping[str, Study] = {
    study.name: study
    for study in (
        table2.study(),
        figure1_2.study(),
        table3.study(),
        figure3.study(),
        figure4.study(),
        figure5.study(),
        hyperparameters.study(),
    )
}

# Embedding sizes are left out as each is a program to compile.
_QUICK_SWEEPS = (POISONED_ITEMS, NOISE_SCALE)

# Each attack is a program for each rule, of which the median's take half a minute. An
# attack on some items falls between the clean run and the attack on all; on FedGNN, the
# slowest, the strongest attack stays.
_QUICK_SPATTACKS = ("spattack_o_d", "spattack_l_d")
_QUICK_ON_FEDGNN = ("spattack_l_d",)

# Without what is slow. Studies that are left alone take little time already.
QUICK_STUDIES: Mapping[str, Study] = {
    **STUDIES,
    table3.NAME: table3.study(beside=()),
    figure4.NAME: figure4.study(spattacks=_QUICK_ON_FEDGNN),
    figure1_2.NAME: figure1_2.study(_QUICK_RULES, trained_rounds=_QUICK_ROUNDS),
    figure3.NAME: figure3.study(_QUICK_RULES, _QUICK_SPATTACKS),
    figure5.NAME: figure5.study(_QUICK_STARTS),
    hyperparameters.NAME: hyperparameters.study(_QUICK_SWEEPS),
}


def choose_studies(names: Sequence[str], quick: bool) -> list[Study]:
    """The named studies in the order of the paper; all of them where none is named.

    Args:
        names: names of ``STUDIES``.
        quick: whether to take the quick choice.

    Raises:
        InvalidInputError: if there is no such study.
    """
    unknown = [name for name in names if name not in STUDIES]
    if unknown:
        raise InvalidInputError(
            f"studies={unknown[0]}: there is none of that name; there are "
            f"{', '.join(STUDIES)}"
        )
    studies = QUICK_STUDIES if quick else STUDIES
    return [study for name, study in studies.items() if not names or name in names]

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
from experiments.studies.base import Study
from jaxfr.errors import InvalidInputError

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

# Trimmed mean and Krum cost 20 to 100 times the mean.
_RULES = ("mean", "median", "norm")

# Without what is slow. Each attack is a program for each rule, of which the median's
# take half a minute, and so is each embedding size. An attack on some items falls
# between the clean run and the attack on all; on FedGNN, the slowest, the strongest
# attack stays. Studies that are left alone take little time already.
QUICK_STUDIES: Mapping[str, Study] = {
    **STUDIES,
    figure1_2.NAME: figure1_2.study(_RULES, trained_rounds=20),
    table3.NAME: table3.study(beside=()),
    figure3.NAME: figure3.study(_RULES, ("spattack_o_d", "spattack_l_d")),
    figure4.NAME: figure4.study(spattacks=("spattack_l_d",)),
    figure5.NAME: figure5.study((0, 60)),
    hyperparameters.NAME: hyperparameters.study(
        (hyperparameters.POISONED_ITEMS, hyperparameters.NOISE_SCALE)
    ),
}


def choose_studies(names: Sequence[str], quick: bool) -> list[Study]:
    """The named studies in the order of the paper; all of them where none is named."""
    unknown = [name for name in names if name not in STUDIES]
    if unknown:
        raise InvalidInputError(
            f"studies={unknown[0]}: there is none of that name; there are "
            f"{', '.join(STUDIES)}"
        )
    studies = QUICK_STUDIES if quick else STUDIES
    return [study for name, study in studies.items() if not names or name in names]

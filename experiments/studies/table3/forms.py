"""The columns of Table 3, and those that stand beside it."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from experiments.studies.names import attack_title
from jaxfr.attacks import CLEAN
from jaxfr.records.record import Record


class Form(NamedTuple):
    """An attack in one of its forms.

    Attributes:
        attack: its name; ``none`` for the clean run.
        scope: of a baseline, otherwise None.
        repeated_negatives: ``reference`` for duplicate rows as in the reference
            implementation.
    """

    attack: str
    scope: Literal["dense", "sparse"] | None = None
    repeated_negatives: Literal["merged", "reference"] = "merged"


# The runs of one data set.
Runs = Mapping[Form, Sequence[Record]]

CLEAN_FORM = Form(CLEAN)
_BASELINES = ("label_flip", "fed_attack", "gaussian", "lie", "cluster", "fang")
DENSE = tuple(Form(attack, "dense") for attack in _BASELINES)
SPARSE = tuple(Form(attack, "sparse") for attack in _BASELINES)
SPATTACKS = tuple(
    Form(attack)
    for attack in ("spattack_l_s", "spattack_l_d", "spattack_o_s", "spattack_o_d")
)
DUPLICATES = tuple(
    Form(attack, None, "reference") for attack in ("spattack_o_s", "spattack_o_d")
)
IN_PAPER = (CLEAN_FORM, *DENSE, *SPATTACKS)
BESIDE = (*SPARSE, *DUPLICATES)


def present(runs: Runs, forms: Sequence[Form]) -> tuple[Form, ...]:
    """Those of the forms that there are runs of."""
    return tuple(form for form in forms if form in runs)


def form_title(form: Form, full: bool = False) -> str:
    """Names a form.

    Args:
        form: the form.
        full: whether what is the default in the paper's layout is said too.
    """
    title = attack_title(form.attack)
    if form.repeated_negatives == "reference":
        told = "duplicate rows as in the reference" if full else "duplicates"
        return f"{title} ({told})"
    if form.scope == "sparse" or (full and form.scope):
        return f"{title}, {form.scope}"
    return title

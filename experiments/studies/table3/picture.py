"""Table 3 as a picture of dots; needs the extra ``plots``."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.studies.averages import HIT_RATIO, average, chance, error_bar
from experiments.studies.names import attack_title, dataset_title
from experiments.studies.panels import COLOURS, finish, make_panels
from experiments.studies.paper_numbers import paper_number
from experiments.studies.table3.forms import (
    CLEAN_FORM,
    DENSE,
    DUPLICATES,
    IN_PAPER,
    SPARSE,
    SPATTACKS,
    Form,
    Runs,
    present,
)

# How far above and below an attack's line its dots stand, in lines.
_APART = 0.17


def draw_comparison(found: Mapping[str, Runs], path: pathlib.Path) -> None:
    """Draws HR@10 of every attack: a panel for each data set, a line for each attack.

    Args:
        found: the runs of each data set.
        path: a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    titles = [dataset_title(dataset) for dataset in found]
    figure, axes = make_panels([""], titles, "", width=4.2, height=4.4)
    for panel, (dataset, runs) in zip(axes.flat, found.items(), strict=True):
        _draw_dataset(panel, dataset, runs)
    names = [attack_title(form.attack) for form in IN_PAPER]
    axes[0, 0].set_yticks(range(len(names)), names)
    # Shared by all panels; the clean run stands on top.
    axes[0, 0].set_ylim(len(names) - 0.5, -0.5)
    finish(figure, path)


def _draw_dataset(panel: Any, dataset: str, runs: Runs) -> None:
    for forms, label, place, marker, colour in (
        (
            (CLEAN_FORM, *DENSE, *SPATTACKS),
            "simulation, baselines dense",
            0,
            "o",
            COLOURS[0],
        ),
        (SPARSE, "simulation, baselines sparse", _APART, "s", COLOURS[1]),
        (DUPLICATES, "simulation, duplicate rows", _APART, "^", COLOURS[2]),
    ):
        if present(runs, forms):
            _draw_forms(panel, runs, forms, label, place, marker, colour)
    _draw_paper(panel, dataset)
    panel.axvline(
        chance(runs[CLEAN_FORM]), color="0.4", linestyle=":", label="chance", zorder=1
    )
    panel.set(xlabel="HR@10")
    panel.set_xlim(left=0)


def _draw_forms(
    panel: Any,
    runs: Runs,
    forms: Sequence[Form],
    label: str,
    place: float,
    marker: str,
    colour: str,
) -> None:
    values = [average(runs[form]) for form in forms]
    panel.errorbar(
        [value.mean for value in values],
        [_line(form) + place for form in forms],
        xerr=[error_bar(value) for value in values],
        fmt=marker,
        color=colour,
        markersize=4.5,
        elinewidth=1.2,
        label=label,
    )


def _draw_paper(panel: Any, dataset: str) -> None:
    numbers = [
        (number, _line(form) - _APART)
        for form in IN_PAPER
        if (number := paper_number(dataset, form.attack, HIT_RATIO)) is not None
    ]
    if not numbers:
        return
    panel.errorbar(
        [number.value for number, _ in numbers],
        [line for _, line in numbers],
        xerr=[2 * number.standard_error for number, _ in numbers],
        fmt="o",
        color="0.25",
        markerfacecolor="white",
        markersize=4.5,
        elinewidth=1,
        label="paper",
    )


def _line(form: Form) -> int:
    """The line of a form's attack, from the top."""
    attacks = [shown.attack for shown in IN_PAPER]
    return attacks.index(form.attack)

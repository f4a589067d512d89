"""The picture of Figure 1."""

import itertools
import pathlib
from collections.abc import Sequence

import numpy as np

from experiments.studies.figure1_2.one_round import Rule
from experiments.studies.figure1_2.sparse_aggregation import (
    Outcome,
    bracket_names,
    by_bracket,
    left_when_dense,
)
from jaxfr.records.pictures import legend_below, new_figure, save_figure, set_title

# Rules of which one does what the other does must not hide each other.
_STYLES = ("-o", "--s", "-.^", ":D", "-v", "--P")


def draw_outcomes(
    outcomes: Sequence[Outcome],
    degree: np.ndarray,
    title: str,
    path: pathlib.Path,
) -> None:
    """Draws what is broken, and what is left of benign updates, by item degree.

    Args:
        outcomes: of every rule in both forms.
        degree: interactions of each item, int ``[m]``.
        title: of the whole.
        path: a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    figure = new_figure(11, 4.1)
    dense, sparse, left = figure.subplots(1, 3)
    sparse.sharey(dense)
    names = dict.fromkeys(outcome.rule.aggregator for outcome in outcomes)
    places = np.arange(len(bracket_names()))
    for name, style in zip(names, itertools.cycle(_STYLES), strict=False):
        label = name.replace("_", " ")
        for axes, form in ((dense, "dense"), (sparse, "sparse")):
            (chosen,) = (o for o in outcomes if o.rule == Rule(name, form))
            shares = by_bracket(chosen.broken.astype(float), degree, share=True)
            axes.plot(places, shares, style, label=label, markersize=5)
        kept = by_bracket(left_when_dense(outcomes, name), degree, share=False)
        left.plot(places, 100 * kept, style, label=label, markersize=5)
    dense.set(title="(a) dense, attacked", ylabel="items that noise carries off (%)")
    sparse.set(title="(b) sparse, attacked", ylabel="items that noise carries off (%)")
    left.set(
        title="dense, no attack",
        ylabel="update left (% of the sparse one)",
    )
    for axes in (dense, sparse, left):
        axes.set_ylim(-4, 104)
        axes.set_xticks(places, bracket_names())
        axes.set_xlabel("item degree (interactions)")
        axes.grid(alpha=0.3)
    legend_below(figure)
    set_title(figure, title)
    save_figure(figure, path)

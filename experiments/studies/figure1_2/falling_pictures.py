"""The pictures of Figure 2."""

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.studies.figure1_2.falling_items import Fallen, Laws
from jaxfr.data.statistics import TAIL_DEGREE, DegreeDistribution
from jaxfr.records.pictures import new_figure, save_figure, set_title
from jaxfr.theory.power_law import PowerLawFit, hurwitz_zeta

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEAD, _TAIL = "tab:green", "tab:red"


def draw_degrees(
    degree: np.ndarray,
    distribution: DegreeDistribution,
    laws: Laws | None,
    title: str,
    path: pathlib.Path,
) -> None:
    """Draws items by popularity, as the paper does, and their degrees' distribution.

    Args:
        degree: interactions of each item, int ``[m]``.
        distribution: of these degrees.
        laws: power laws to draw into it.
        title: of the whole.
        path: a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    figure = new_figure(10, 4)
    ranked, shares = figure.subplots(1, 2)
    popular_first = np.sort(degree)[::-1]
    rank = np.arange(1, len(degree) + 1)
    head = int(np.sum(degree >= TAIL_DEGREE))
    for low, high, colour, name in (
        (0, head, _HEAD, f"head: {TAIL_DEGREE} or more"),
        (head, len(degree), _TAIL, f"tail: fewer than {TAIL_DEGREE}"),
    ):
        label = f"{name} ({100 * (high - low) / len(degree):.1f} % of the items)"
        reach = slice(low, high)
        ranked.fill_between(
            rank[reach], popular_first[reach], color=colour, alpha=0.6, label=label
        )
    ranked.set(
        xlabel="items, the most popular first",
        ylabel="item degree (interactions)",
        xlim=(1, len(degree)),
    )
    ranked.set_ylim(bottom=0)
    ranked.legend(frameon=False)
    shown = distribution.degree > 0
    shares.plot(
        distribution.degree[shown],
        distribution.ccdf[shown],
        ".",
        color="0.35",
        label="items",
    )
    if laws is not None:
        for law, share, style in (
            (laws.fitted, laws.tail_share, "-"),
            (laws.whole, laws.whole_share, "--"),
        ):
            _draw_law(shares, law, share, int(degree.max()), style)
    shares.set(
        xscale="log",
        yscale="log",
        xlabel="item degree (interactions)",
        ylabel="share of the items of at least this degree",
        ylim=(0.5 / len(degree), 1.5),
    )
    shares.axvline(TAIL_DEGREE, color=_TAIL, linestyle=":", linewidth=1)
    shares.grid(which="major", alpha=0.3)
    shares.legend(frameon=False, loc="lower left")
    set_title(figure, title)
    save_figure(figure, path)


def _draw_law(
    axes: "Axes", law: PowerLawFit, share: float, most: int, style: str
) -> None:
    """Draws the share of items of at least each degree by a law."""
    degree = np.unique(np.geomspace(law.minimum_degree, most, 200).astype(int))
    above = hurwitz_zeta(law.exponent, degree)
    axes.plot(
        degree,
        share * above / hurwitz_zeta(law.exponent, law.minimum_degree),
        style,
        label=f"power law from {law.minimum_degree} on, β = {law.exponent:.2f}",
    )


def draw_fallen(fallen: Sequence[Fallen], title: str, path: pathlib.Path) -> None:
    """Draws the share of items that fall by malicious share, in every way it is found.

    Args:
        fallen: by malicious share, ascending.
        title: of the picture.
        path: a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    figure = new_figure(8, 4.8)
    axes = figure.subplots()
    shares = [100 * found.malicious_ratio for found in fallen]
    for field, label, colour, style in (
        ("closed_form", "Proposition 2, fitted law", "tab:blue", "-s"),
        ("whole_law", "Proposition 2, law of all items", "tab:cyan", "--D"),
        ("by_degree", "counted on interactions", "tab:orange", ":o"),
        ("by_rows", "counted on uploaded rows", "tab:red", "-."),
        ("simulated", "a simulated round", "black", "X"),
    ):
        values = [100 * getattr(found, field) for found in fallen]
        if not np.all(np.isnan(values)):
            axes.plot(shares, values, style, color=colour, label=label, markersize=6)
    axes.set(
        xlabel="malicious share of all clients (%)",
        ylabel="items that fall (% of all)",
        ylim=(-3, 103),
    )
    axes.set_xticks(shares, [f"{share:g}" for share in shares])
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", frameon=False, ncols=3)
    set_title(figure, title)
    save_figure(figure, path)

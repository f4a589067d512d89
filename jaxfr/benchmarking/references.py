"""The references that a case is timed against, with what they compute with."""

import functools
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata, util

import numpy as np

from jaxfr.aggregators.order_statistics import padded_size
from jaxfr.benchmarking.case import Case
from jaxfr.benchmarking.reference_blocks import BLOCK_WORK, draw_blocks, pieces_of
from jaxfr.benchmarking.reference_rounds import (
    ROUND_REFERENCES,
    draw_embeddings,
    draw_negatives,
    plan_problem,
)
from jaxfr.data import Dataset
from jaxfr.terminal import note
from jaxfr.training import Layout

PACKAGES = ("numpy", "numba", "torch")

# References over padded blocks are left out where these would take more.
_MAX_BLOCK_BYTES = 4 << 30


def prepare_references(
    case: Case, dataset: Dataset, layout: Layout, seed: int
) -> dict[str, tuple[str, Callable[[], None]]]:
    """What each reference of a case does, and a call that does it ``rounds`` times."""
    if not case.references:
        return {}
    random, dim = np.random.default_rng(seed), case.embedding_dim
    if "torch" in case.references:
        import torch  # pyright: ignore[reportMissingImports]

        torch.set_num_threads(case.reference_threads)

    if case.aggregator == "mean":
        problem = plan_problem(dataset, draw_negatives(dataset, random))
        embeddings = draw_embeddings(dataset, dim, random)
        of_rounds = {
            name: functools.partial(function, problem, embeddings)
            for name, function in ROUND_REFERENCES.items()
        }
        return _wanted(case, "clean round", of_rounds)
    part = BLOCK_WORK.get(case.aggregator)
    if part is None or not part.by_package.keys() & {*case.references}:
        return {}
    blocks = item_blocks(case, layout)
    shapes = [(len(items), size) for items, size in blocks]
    needed = 4 * dim * sum(items * size for items, size in shapes)
    if needed > _MAX_BLOCK_BYTES:
        told = f"{case.aggregator}: no references, whose blocks would take"
        note(f"{told} {needed / 1e9:.1f} GB")
        return {}
    problem = plan_problem(dataset, draw_negatives(dataset, random))
    # Nothing is received of the item that there is not.
    received = np.append(problem.received, 0)
    by_block = [received[items] for items, _ in blocks]
    drawn = pieces_of(draw_blocks(shapes, by_block, dim, part.padding, random))

    def on_all(function: Callable[[np.ndarray], object]) -> None:
        for piece in drawn:  # what one comes to is gone before the next
            function(piece)

    of_parts = {
        name: functools.partial(on_all, function)
        for name, function in part.by_package.items()
    }
    return _wanted(case, part.words, of_parts)


def _wanted(
    case: Case, words: str, functions: Mapping[str, Callable[[], object]]
) -> dict[str, tuple[str, Callable[[], None]]]:
    """Those of the functions that a case wants, each ``rounds`` times in a call."""

    def repeated(function: Callable[[], object]) -> None:
        for _ in range(case.rounds):
            function()

    return {
        name: (words, functools.partial(repeated, function))
        for name, function in functions.items()
        if name in case.references
    }


def item_blocks(case: Case, layout: Layout) -> Sequence[tuple[np.ndarray, int]]:
    """The padded blocks in which a rule that needs an item's rows works them off.

    Each with its items, the number of items where there is none, and how many rows it
    holds of each.
    """
    of_attack = case.attack != "none"
    return [
        # Each device has room for rows of its own clients, which one brings together.
        (
            np.asarray(group.items),
            padded_size(layout.num_devices * group.slots.size + of_attack),
        )
        for group in layout.item_slots
    ]


def seconds_of_products(case: Case, layout: Layout, gigaflops: float) -> float:
    """How long a call's products of all rows of an item take at a rate, in seconds."""
    pairs = sum(len(items) * size**2 for items, size in item_blocks(case, layout))
    return case.rounds * 2 * case.embedding_dim * pairs / gigaflops / 1e9


def is_installed(package: str) -> bool:
    """Whether a package of the references can be imported."""
    return util.find_spec(package) is not None


def package_versions() -> dict[str, str]:
    """Versions of the packages of the references, by name."""
    return {
        package: metadata.version(package) if is_installed(package) else "not installed"
        for package in PACKAGES
    }

"""What the order statistics and Krum come down to, in other array packages.

No other package has the whole round of these rules. These functions do only the
selection, the sort or the matrix products of it, over blocks of the shapes that jaxfr
works on: for each group of items float32 ``[items, d, size]``, where the size is the
group's capacity, filled up as jaxfr does it.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jaxfr.benchmarking.references import require

# Numbers in one piece of a batched product: 64 MB.
_PRODUCT = 1 << 24

Blocks = Sequence[np.ndarray]
BlockReference = Callable[[Blocks], None]


def block_bytes(shapes: Sequence[tuple[int, int]], embedding_dim: int) -> int:
    """Memory of all blocks, for ``(items, size)`` of each."""
    return 4 * embedding_dim * sum(items * size for items, size in shapes)


def product_operations(shapes: Sequence[tuple[int, int]], embedding_dim: int) -> int:
    """Operations of the products of all rows of an item, for the same shapes."""
    return 2 * embedding_dim * sum(items * size**2 for items, size in shapes)


def draw_blocks(
    shapes: Sequence[tuple[int, int]],
    received: Sequence[np.ndarray],
    embedding_dim: int,
    padding: float,
    random: np.random.Generator,
) -> list[np.ndarray]:
    """Draws standard normal rows for each item, and pads up to the size.

    Args:
        shapes: for each group ``(items, size)``.
        received: for each group the number of real rows of each item, ``[items]``.
        embedding_dim: d.
        padding: stands where there is no row: infinity for a selection, 0 for products.
        random: the generator.

    Returns:
        For each group float32 ``[items, d, size]``.
    """
    blocks = []
    for (items, size), rows in zip(shapes, received, strict=True):
        block = random.standard_normal((items, embedding_dim, size), np.float32)
        absent = np.arange(size) >= np.asarray(rows)[:, None, None]
        np.copyto(block, np.float32(padding), where=absent)
        blocks.append(block)
    return blocks


def partition_numpy(blocks: Blocks) -> None:
    """``np.partition`` at half the size, which finds a median among them."""
    for block in blocks:
        np.partition(block, block.shape[-1] // 2, axis=-1)


def median_torch(blocks: Blocks) -> None:
    """``torch.median`` over the size."""
    torch = require("torch")
    for block in blocks:
        torch.median(torch.from_numpy(block), dim=-1)


def sort_numpy(blocks: Blocks) -> None:
    """``np.sort`` over the size, from which a trimmed mean can be read."""
    for block in blocks:
        np.sort(block, axis=-1)


def products_numpy(blocks: Blocks) -> None:
    """``[size, d] @ [d, size]`` for every item, with ``np.matmul``."""
    for block in blocks:
        for part in _pieces(block):
            np.matmul(part.transpose(0, 2, 1), part)


def products_torch(blocks: Blocks) -> None:
    """``[size, d] @ [d, size]`` for every item, with ``torch.matmul``."""
    torch = require("torch")
    for block in blocks:
        for part in map(torch.from_numpy, _pieces(block)):
            torch.matmul(part.transpose(1, 2), part)


def _pieces(block: np.ndarray) -> list[np.ndarray]:
    """Splits a block by items so that the products of a piece fit the memory."""
    items = max(1, _PRODUCT // block.shape[-1] ** 2)
    return [block[start : start + items] for start in range(0, len(block), items)]


BLOCK_REFERENCES: Mapping[str, Mapping[str, BlockReference]] = {
    "median": {"numpy": partition_numpy, "torch": median_torch},
    "trimmed_mean": {"numpy": sort_numpy},
    "krum": {"numpy": products_numpy, "torch": products_torch},
}
"""Parts of a round by aggregator and package."""

WORK: Mapping[str, str] = {
    "median": "selection only",
    "trimmed_mean": "sort only",
    "krum": "matrix products only",
}
"""Which part of a round that is, by aggregator."""

PADDING: Mapping[str, float] = {"median": np.inf, "trimmed_mean": np.inf, "krum": 0.0}
"""What stands where an item has no row, by aggregator."""

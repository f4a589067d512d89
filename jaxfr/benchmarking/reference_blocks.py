"""What the order statistics and Krum come down to, by NumPy and PyTorch.

No other package has the whole round of these rules. These functions do only the
selection, the sort or the matrix products of it, over blocks of the shapes that jaxfr
works on: for each group of items float32 ``[items, d, size]``, where the size is the
group's capacity, filled up as jaxfr does it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

# Numbers in one piece of a batched product: 64 MB.
_PRODUCT = 1 << 24


def draw_blocks(
    shapes: Sequence[tuple[int, int]],
    received: Sequence[np.ndarray],
    embedding_dim: int,
    padding: float,
    random: np.random.Generator,
) -> list[np.ndarray]:
    """Draws standard normal rows of items, float32 ``[items, d, size]`` for each group.

    ``shapes`` are the groups' ``(items, size)``, ``received`` how many rows each item
    really has; ``padding`` stands where there is none.
    """
    blocks = []
    for (items, size), rows in zip(shapes, received, strict=True):
        block = random.standard_normal((items, embedding_dim, size), np.float32)
        absent = np.arange(size) >= np.asarray(rows)[:, None, None]
        np.copyto(block, np.float32(padding), where=absent)
        blocks.append(block)
    return blocks


def pieces_of(blocks: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Splits blocks by items so that the products of a piece fit the memory."""
    pieces = []
    for block in blocks:
        items = max(1, _PRODUCT // block.shape[-1] ** 2)
        starts = range(0, len(block), items)
        pieces += [block[start : start + items] for start in starts]
    return pieces


def _median_torch(block: np.ndarray) -> object:
    import torch  # pyright: ignore[reportMissingImports]

    return torch.median(torch.from_numpy(block), dim=-1)


def _products_torch(block: np.ndarray) -> object:
    import torch  # pyright: ignore[reportMissingImports]

    of_items = torch.from_numpy(block)
    return torch.matmul(of_items.transpose(1, 2), of_items)


class BlockWork(NamedTuple):
    """Which part of a rule's round is done."""

    words: str  # the part
    padding: float  # stands in a block where there is no row
    by_package: Mapping[str, Callable[[np.ndarray], object]]  # does it


BLOCK_WORK: Mapping[str, BlockWork] = {
    "median": BlockWork(
        "selection only",
        np.inf,
        {"numpy": lambda b: np.partition(b, b.shape[-1] // 2), "torch": _median_torch},
    ),
    "trimmed_mean": BlockWork("sort only", np.inf, {"numpy": np.sort}),
    "krum": BlockWork(
        "matrix products only",
        0.0,
        {"numpy": lambda b: b.transpose(0, 2, 1) @ b, "torch": _products_torch},
    ),
}
"""Parts of a round by aggregator."""

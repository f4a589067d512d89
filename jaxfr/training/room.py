"""Whether what a run keeps fits into memory, known before anything is allocated."""

import math

import jax

from jaxfr.errors import InvalidInputError
from jaxfr.training.free_memory import available_memory


def check_room(kept: object, devices: int) -> None:
    """Refuses a run whose embeddings, draws and states alone do not fit into memory.

    What a round needs besides is known once it is compiled (see ``memory_need``); sizes
    that are far too large end before that, in an error of the compiler or in none.

    Args:
        kept: shapes and types of all that one run keeps, a pytree.
        devices: over how many it is spread; those of one CPU share its memory.

    Raises:
        InvalidInputError: names the largest of them, and the bytes.
    """
    shapes = [leaf.shape for leaf in jax.tree.leaves(kept)]
    need = sum(4 * math.prod(shape) for shape in shapes)
    need //= jax.process_count() if jax.default_backend() == "cpu" else devices
    available = available_memory()
    if available is not None and need > available:
        largest = max(shapes, key=math.prod)
        raise InvalidInputError(
            f"a run keeps {need / 1e9:.2f} GB, for one the numbers "
            f"{list(largest)}, and {available / 1e9:.2f} GB are free; use less data or "
            "a smaller embedding_dim, neighbours_per_item or pseudo_items"
        )

"""Target items: those whose exposure is measured, and which an attacker may promote."""

import re
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.data.dataset import Dataset
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.evaluation.candidates import GROUP_NAMES, item_degree_groups, items_by_third
from jaxfr.sampling import distinct_ranks
from jaxfr.shapes import Int

# A target that the seed draws from the tail, or from the head.
COLD, POPULAR = -1, -2
DEFAULT_TARGETS = "cold:5"

_KINDS = {"cold": COLD, "popular": POPULAR}
_THIRDS = {COLD: GROUP_NAMES.index("tail"), POPULAR: GROUP_NAMES.index("head")}
_MOST = 1000
_DRAWN = re.compile(r"(?:(cold|popular):)?([0-9]{1,9})")
_GIVEN = re.compile(r"items:([0-9]{1,9}(?:,[0-9]{1,9})*)")


def parse_targets(text: str) -> tuple[int, ...]:
    """Reads which items are targets.

    Args:
        text: ``cold:5`` or ``5`` for so many items of the tail, ``popular:5`` for items
            of the head, each drawn by the seed; or items by their numbers from 0, in
            the order of the data set, as in ``items:3,17``.

    Returns:
        For each target its item, ``COLD`` or ``POPULAR``.

    Raises:
        InvalidInputError: if the text has another form, or asks for no target, for more
            than 1,000, or for one twice.
    """
    drawn, given = _DRAWN.fullmatch(text), _GIVEN.fullmatch(text)
    if drawn is not None and 1 <= int(drawn[2]) <= _MOST:
        return (_KINDS[drawn[1] or "cold"],) * int(drawn[2])
    if given is not None:
        items = tuple(map(int, given[1].split(",")))
        if len(set(items)) == len(items) <= _MOST:
            return items
    word, colon, _ = text.partition(":")
    near = nearest(word, [*_KINDS, "items"]) if colon and word not in _KINDS else ""
    raise InvalidInputError(
        f"targets={text!r}: must be cold:N, popular:N, N, or distinct items as in "
        f"items:3,17; 1 to {_MOST} of them{near}"
    )


def write_targets(targets: Sequence[int]) -> str:
    """Writes targets in the one form that :func:`parse_targets` has for them."""
    for name, kind in _KINDS.items():
        if targets[0] == kind:
            return f"{name}:{len(targets)}"
    return f"items:{','.join(map(str, targets))}"


def check_targets(dataset: Dataset, targets: Sequence[int]) -> None:
    """Refuses targets that the data do not have.

    Raises:
        InvalidInputError: if an item is beyond the last, or a third has too few items.
    """
    if max(targets) >= dataset.num_items:
        raise InvalidInputError(
            f"targets={write_targets(targets)}: {dataset.name} has items 0 to "
            f"{dataset.num_items - 1}"
        )
    if targets[0] in _THIRDS:
        third = _THIRDS[targets[0]]
        items = int(np.sum(item_degree_groups(dataset.item_degree) == third))
        if items < len(targets):
            raise InvalidInputError(
                f"targets={write_targets(targets)}: {dataset.name} has {items} items "
                f"in its {GROUP_NAMES[third]}"
            )


def draw_targets(
    key: Array, targets: Int[Array, " targets"], item_third: Int[Array, " m"]
) -> Int[Array, " targets"]:
    """Draws the targets that are not given.

    Distinct items of the tail (``COLD``) or of the head (``POPULAR``), every set of
    them equally likely.

    Args:
        item_third: index into ``GROUP_NAMES`` of each item.

    Returns:
        Items.
    """
    count = targets.shape[0]
    if count == 0:
        return targets
    thirds = items_by_third(item_third)
    for kind, third in _THIRDS.items():
        start, end = thirds.start[third], thirds.start[third + 1]
        population = jnp.maximum(end - start, count)
        places = distinct_ranks(jax.random.fold_in(key, third), population, count)
        drawn = thirds.items.at[start + places].get(mode="clip")
        targets = jnp.where(targets == kind, drawn, targets)
    return targets

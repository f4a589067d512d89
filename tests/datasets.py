"""Small data sets, told by what each user holds."""

from collections.abc import Sequence

import numpy as np

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset


def dataset_of(
    held: Sequence[Sequence[int] | np.ndarray],
    num_items: int,
    test_items: Sequence[int] | np.ndarray | None = None,
    name: str = "small",
) -> Dataset:
    """Users with these training items, in this order, and perhaps a test item each."""
    activity = [len(items) for items in held]
    if test_items is None:
        test_items = np.full(len(held), NO_TEST_ITEM)
    return Dataset(
        name=name,
        num_users=len(held),
        num_items=num_items,
        train_users=np.repeat(np.arange(len(held), dtype=np.int32), activity),
        train_items=np.concatenate(held).astype(np.int32),
        test_items=np.asarray(test_items, np.int32),
    )

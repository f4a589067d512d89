"""What clients send: the one container, and its rows grouped by item."""

from jaxfr.uploads.container import (
    ItemGroup,
    Uploads,
    append_item_table,
    drop_nonfinite,
    item_sums,
    item_table,
    row_counts,
    rows_of,
)
from jaxfr.uploads.grouping import ItemSlots, group_rows, plan_item_slots

__all__ = [
    "ItemGroup",
    "ItemSlots",
    "Uploads",
    "append_item_table",
    "drop_nonfinite",
    "group_rows",
    "item_sums",
    "item_table",
    "plan_item_slots",
    "row_counts",
    "rows_of",
]

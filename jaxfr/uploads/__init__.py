"""What clients send: the one container, and its rows grouped by item."""

from jaxfr.uploads.container import (
    ItemGroup,
    ItemTable,
    Uploads,
    append_tables,
    for_own_rows,
    item_sums,
    item_table,
    one_row_each,
    row_counts,
    rows_of,
    rows_of_item,
    uploads_of,
    with_sums,
)
from jaxfr.uploads.grouping import (
    ItemSlots,
    bring_together,
    gather_vectors,
    group_rows,
    leave_in_place,
    plan_item_slots,
)
from jaxfr.uploads.nonfinite import drop_nonfinite
from jaxfr.uploads.statistics import (
    ItemExtremes,
    ItemStatistics,
    NormStatistics,
    item_extremes,
    item_statistics,
    norm_statistics,
)

__all__ = [
    "ItemExtremes",
    "ItemGroup",
    "ItemSlots",
    "ItemStatistics",
    "ItemTable",
    "NormStatistics",
    "Uploads",
    "append_tables",
    "bring_together",
    "drop_nonfinite",
    "for_own_rows",
    "gather_vectors",
    "group_rows",
    "item_extremes",
    "item_statistics",
    "item_sums",
    "item_table",
    "leave_in_place",
    "norm_statistics",
    "one_row_each",
    "plan_item_slots",
    "row_counts",
    "rows_of",
    "rows_of_item",
    "uploads_of",
    "with_sums",
]

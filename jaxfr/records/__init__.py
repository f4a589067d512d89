"""What a run writes down, and what every program shares."""

from jaxfr.records import markdown
from jaxfr.records.caveats import caveats
from jaxfr.records.chance import (
    HIT_RATIO,
    chance_level,
    evaluated_users,
    standard_error_bound,
)
from jaxfr.records.export import write_csv
from jaxfr.records.headings import heading
from jaxfr.records.names import dataset_title, part_title
from jaxfr.records.palette import LINE_STYLES, NEUTRAL, PALETTE, Look, looks
from jaxfr.records.pictures import (
    SMALL,
    TEXT_WIDTH,
    WIDTHS,
    can_draw,
    drawn,
    legend_below,
    picture,
    picture_files,
    rows_and_columns,
    set_title,
)
from jaxfr.records.plots import draw_band
from jaxfr.records.record import (
    Record,
    device_name,
    versions,
    write_records,
)
from jaxfr.records.summary import estimate

__all__ = [
    "HIT_RATIO",
    "LINE_STYLES",
    "NEUTRAL",
    "PALETTE",
    "SMALL",
    "TEXT_WIDTH",
    "WIDTHS",
    "Look",
    "Record",
    "can_draw",
    "caveats",
    "chance_level",
    "dataset_title",
    "device_name",
    "draw_band",
    "drawn",
    "estimate",
    "evaluated_users",
    "heading",
    "legend_below",
    "looks",
    "markdown",
    "part_title",
    "picture",
    "picture_files",
    "rows_and_columns",
    "set_title",
    "standard_error_bound",
    "versions",
    "write_csv",
    "write_records",
]

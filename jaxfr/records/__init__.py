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
from jaxfr.records.pictures import (
    can_draw,
    drawn,
    legend_below,
    new_figure,
    save_figure,
    set_title,
)
from jaxfr.records.plots import LINE_STYLES
from jaxfr.records.record import (
    Record,
    device_name,
    versions,
    write_records,
)

__all__ = [
    "HIT_RATIO",
    "LINE_STYLES",
    "Record",
    "can_draw",
    "caveats",
    "chance_level",
    "device_name",
    "drawn",
    "evaluated_users",
    "heading",
    "legend_below",
    "markdown",
    "new_figure",
    "save_figure",
    "set_title",
    "standard_error_bound",
    "versions",
    "write_csv",
    "write_records",
]

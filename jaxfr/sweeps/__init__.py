"""Many runs: from lists of options to compiled programs, and into a result store."""

from jaxfr.store.identity import code_version
from jaxfr.sweeps.execution import ExecutionOptions, start_devices
from jaxfr.sweeps.forecast import format_duration
from jaxfr.sweeps.grid import parse_seeds
from jaxfr.sweeps.plan import Plan, identify, plan_runs
from jaxfr.sweeps.readers import check_read
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest
from jaxfr.sweeps.sources import Source, load_sources, source_name

__all__ = [
    "RUN_OPTIONS",
    "ExecutionOptions",
    "Plan",
    "RunRequest",
    "Source",
    "check_read",
    "code_version",
    "format_duration",
    "identify",
    "load_sources",
    "parse_seeds",
    "plan_runs",
    "source_name",
    "start_devices",
]

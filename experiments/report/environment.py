"""What a reproduction ran with: versions, code, machine and moment."""

import datetime
import platform

from jaxfr.compilation_cache import describe_cpu
from jaxfr.devices import num_cores
from jaxfr.records import device_name, versions
from jaxfr.store import code_version


def describe_environment(seconds: float) -> tuple[tuple[str, str], ...]:
    """Names and values of all that may matter beside settings and data.

    Args:
        seconds: how long everything took.
    """
    return (
        *versions().items(),
        ("code version", f"{code_version()} (hash of all modules that compute)"),
        ("device", device_name()),
        ("processor", _processor()),
        ("cores", str(num_cores())),
        ("system", f"{platform.system()} {platform.release()}"),
        ("seconds in all", f"{seconds:,.0f}"),
        ("finished", _now()),
    )


def _processor() -> str:
    """The CPU's model as the system names it."""
    for line in describe_cpu():
        name, colon, value = line.partition(":")
        if colon and name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def _now() -> str:
    moment = datetime.datetime.now(datetime.UTC)
    return f"{moment.isoformat(sep=' ', timespec='minutes').partition('+')[0]} UTC"

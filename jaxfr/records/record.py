"""One finished run as one line of JSON."""

import datetime
import json
import pathlib
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import jax

from jaxfr.evaluation.metrics import Metric
from jaxfr.evaluation.names import find_metric, metric_names
from jaxfr.evaluation.outcome import as_record
from jaxfr.files import write_atomically
from jaxfr.store import Record
from jaxfr.training.result import RunResult

PACKAGES = ("jaxfr", "jax", "jaxlib", "numpy", "optax")


def make_record(
    options: Mapping[str, Any], run: RunResult, metrics: Sequence[Metric]
) -> Record:
    """Describes a run completely: options, seed, metrics, curve, versions, seconds.

    The options are what is known before the run, the seed among them. Then
    ``max_poisoned_items_used``, the attack's option or what it stands for; the metrics
    after the last round (``hr@5``, ...), all and by group; ``most_popular``, these
    metrics of the items ranked by training degree, for the same users, candidates and
    targets; ``curve``, for each evaluation the number of finished ``round``s and the
    metrics over all users, a mean over nobody as null; ``nonfinite_scores``, the number
    of users whose test item has no finite score after the last round;
    ``dropped_uploads``, the number of uploads that were not finite, of all rounds;
    ``reported_...``, what stages and rule reported, and, where one sees clients, how
    well it told them apart; ``versions``; ``device``; ``seconds`` by ``compile``,
    ``train`` and ``evaluation``; the moment when it was ``finished``, in UTC.
    """
    described = [(done, as_record(metrics, found)) for done, found in run.curve]
    popular = as_record(metrics, run.most_popular)
    curve = [
        {"round": finished}
        | {name: found[name] for name in metric_names(None, metrics)}
        for finished, found in described
    ]
    return {
        **options,
        "max_poisoned_items_used": (
            options.get("max_poisoned_items") or run.most_uploaded
        ),
        **described[-1][1],
        "most_popular": {
            name: value for name, value in popular.items() if find_metric(name)
        },
        "curve": curve,
        "dropped_uploads": run.dropped,
        **run.served,
        "versions": versions(),
        "device": device_name(),
        "seconds": run.seconds._asdict(),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of what computes, by name."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def device_name() -> str:
    """The device that JAX computes on, such as ``cpu`` or ``gpu: NVIDIA H100``."""
    device = jax.devices()[0]
    kind = device.device_kind
    return device.platform if kind == device.platform else f"{device.platform}: {kind}"


def write_records(path: pathlib.Path, records: Sequence[Record]) -> None:
    """Writes a file of records, a line each; it is there at once or not at all."""
    lines = (json.dumps(record, allow_nan=False) + "\n" for record in records)
    write_atomically(path, "".join(lines).encode())

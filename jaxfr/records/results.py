"""One finished run as one line of JSON."""

import json
import pathlib
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import jax

from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.metrics import as_record, metric_names
from jaxfr.training.host import Run

Record = Mapping[str, Any]

PACKAGES = ("jaxfr", "jax", "jaxlib", "numpy", "optax")


def make_record(settings: Mapping[str, Any], run: Run) -> Record:
    """Describes a run completely: settings, seed, metrics, curve, versions, seconds.

    Args:
        settings: every setting by its flag's name.
        run: the finished run.

    Returns:
        The settings and ``seed``; the metrics after the last round (``hr@5``, ...);
        ``curve``, for each evaluation the number of finished ``round``s and the four
        metrics; ``dropped_uploads``; ``versions``; ``device``; ``seconds`` by
        ``compile``, ``train`` and ``evaluation``.
    """
    curve = [
        {"round": finished}
        | {name: as_record(metrics)[name] for name in metric_names()}
        for finished, metrics in run.curve
    ]
    return {
        **settings,
        "seed": run.seed,
        **as_record(run.curve[-1][1]),
        "curve": curve,
        "dropped_uploads": run.dropped,
        "versions": versions(),
        "device": device_name(),
        "seconds": run.seconds._asdict(),
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


def append_record(path: pathlib.Path, record: Record) -> None:
    """Adds one line to a file of records.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    line = json.dumps(record, allow_nan=False) + "\n"
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise InvalidInputError(f"cannot write {path}: {error.strerror}") from None

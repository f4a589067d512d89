"""Which checkpoints are those of a batch of planned runs."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import jax

from jaxfr.checkpoints import CheckpointKeeper, CheckpointOptions
from jaxfr.records.results import device_name
from jaxfr.sweeps.bench import Prepared
from jaxfr.sweeps.plan import PlannedRun, RunGroup
from jaxfr.training.resume import Checkpoints

_DIGITS = 32


def batch_identity(
    group: RunGroup, prepared: Prepared, batch: Sequence[PlannedRun]
) -> str:
    """Names a batch after all that decides the bits that it ends with.

    Those are its runs in their order, each with its settings, data, code and libraries;
    what the group's other runs do to the program (room for clients, rounds in a
    stretch), whether items have more room, how it is executed, on which kind of device
    and by how many processes.

    Args:
        group: the group.
        prepared: the group's program.
        batch: some of its runs, done at once.

    Returns:
        A hash in 32 hexadecimal digits.
    """
    deciding = {
        "runs": [planned.run for planned in batch],
        "schedule": batch[0].schedule,
        "malicious_clients": group.malicious_clients,
        "stretch": prepared.programs.stretch,
        "more_room": prepared.more_room,
        "execution": prepared.execution._asdict(),
        "device": device_name(),
        "processes": jax.process_count(),
    }
    text = json.dumps(deciding, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def keeper_of_batch(
    settings: CheckpointOptions,
    group: RunGroup,
    prepared: Prepared,
    batch: Sequence[PlannedRun],
    tell: Callable[[str], Any],
) -> CheckpointKeeper:
    """The keeper of a batch's checkpoints.

    Args:
        settings: where and how many.
        group: as in ``batch_identity``.
        prepared: as there.
        batch: as there.
        tell: is told, in a line, what becomes of checkpoints.
    """
    return CheckpointKeeper(settings, batch_identity(group, prepared, batch), tell)


def as_checkpoints(keeper: CheckpointKeeper | None) -> Checkpoints:
    """A keeper as the host's loop wants it; None keeps nothing."""
    if keeper is None:
        return Checkpoints()
    return Checkpoints(keeper.restore, keeper.due, keeper.save)

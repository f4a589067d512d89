"""Checkpoints: any pytree of arrays on its way, safe from a kill at any moment.

``<directory>/<identity>/round_000120/process_0_of_1.npz`` is what one process held of
the arrays after 120 rounds of the work that the identity names. Each file appears whole
or not at all, and carries a checksum; a checkpoint counts if the files of all
processes are there and whole.
"""

from jaxfr.checkpoints.keeper import (
    CheckpointKeeper,
    CheckpointOptions,
    prepare_directory,
)

__all__ = ["CheckpointKeeper", "CheckpointOptions", "prepare_directory"]

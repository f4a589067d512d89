"""Flags of known experiments, by name: ``--preset=table3_steam``."""

import importlib.resources
import os

from jaxfr.errors import InvalidInputError, nearest

_ENDING = ".flags"


def preset_names() -> list[str]:
    """All presets, by name."""
    files = importlib.resources.files(__name__).iterdir()
    return sorted(
        file.name.removesuffix(_ENDING) for file in files if _ENDING in file.name
    )


def preset_path(name: str) -> str:
    """The flag file of a preset.

    Raises:
        InvalidInputError: if there is none of this name.
    """
    names = preset_names()
    if name not in names:
        raise InvalidInputError(
            f"preset={name!r}: no preset{nearest(name, names)}; there are "
            f"{', '.join(names)}"
        )
    return os.fspath(importlib.resources.files(__name__) / f"{name}{_ENDING}")  # type: ignore[call-overload]


def preset_summary(name: str) -> str:
    """What a preset is, its file's first sentence."""
    with open(preset_path(name), encoding="utf-8") as file:
        comment = " ".join(line[1:].strip() for line in file if line.startswith("#"))
    return f"{comment.partition('. ')[0].rstrip('.')}."

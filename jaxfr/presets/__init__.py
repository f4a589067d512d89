"""Flags of known experiments, by name: ``--preset=table3_steam``."""

import pathlib

from jaxfr.errors import InvalidInputError, nearest

_ENDING = ".flags"
_FOLDER = pathlib.Path(__file__).parent


def preset_names() -> list[str]:
    """All presets, by name."""
    return sorted(file.stem for file in _FOLDER.glob(f"*{_ENDING}"))


def preset_path(name: str) -> pathlib.Path:
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
    return _FOLDER / f"{name}{_ENDING}"


def preset_text(name: str) -> str:
    """What a preset is, its file's comment, and below it its flags."""
    lines = preset_path(name).read_text(encoding="utf-8").splitlines()
    comment = " ".join(line[1:].strip() for line in lines if line.startswith("#"))
    flags = [line for line in lines if line.startswith("-")]
    return "\n".join([comment.replace(". ", ".\n", 1), "", *flags])

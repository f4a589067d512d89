"""Files that describe a sweep: TOML or JSON."""

import json
import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxfr.errors import InvalidInputError, nearest
from jaxfr.files import open_regular, user_errors
from jaxfr.programs.run_flags import parse_values
from jaxfr.sweeps.grid import Axes, parse_seeds, written_seeds

_PARTS = ("seeds", "grid", "list")


class SweepFile(NamedTuple):
    """What a file says: a grid, further ones that it is crossed with, the seeds."""

    grid: Axes
    alternatives: tuple[Axes, ...]
    seeds: tuple[int, ...] | None


def read_sweep_file(path: pathlib.Path) -> SweepFile:
    """Reads ``seeds``, the table ``grid`` and the tables ``list`` of a file."""
    try:
        content = _parse(path)
        unknown = [name for name in content if name not in _PARTS]
        if unknown:
            raise InvalidInputError(
                f"{unknown[0]}: is none of {', '.join(_PARTS)}; options stand in grid "
                f"or list{nearest(unknown[0], _PARTS)}"
            )
        tables = content.get("list", [])
        if not isinstance(tables, list):
            raise InvalidInputError("list: must be a list of tables")
        return SweepFile(
            _axes("grid", content.get("grid", {})),
            tuple(_axes("list", table) for table in tables),
            parse_seeds(written_seeds(content["seeds"]))
            if "seeds" in content
            else None,
        )
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}") from None


def _parse(path: pathlib.Path) -> Mapping[str, Any]:
    if path.suffix not in (".toml", ".json"):
        raise InvalidInputError("must end in .toml or .json")
    with user_errors("read", path), open_regular(path) as file:
        content = file.read()
    try:
        text = content.decode("utf-8-sig")  # a byte order mark left out
        parsed = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except ValueError as error:  # of either format, or of the encoding
        raise InvalidInputError(str(error)) from None
    except RecursionError:
        raise InvalidInputError("is nested too deeply") from None
    if not isinstance(parsed, dict):
        raise InvalidInputError("must hold a table")
    return parsed


def _axes(part: str, table: object) -> Axes:
    if not isinstance(table, dict):
        raise InvalidInputError(f"{part}: must hold options with their values")
    return {name: parse_values(name, values) for name, values in table.items()}

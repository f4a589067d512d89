"""Sweep files: TOML and JSON of known content, of odd content, and damaged ones."""

import itertools
import json
import pathlib
import random
from typing import Any

from jaxfr.errors import InvalidInputError
from jaxfr.parts import Part
from jaxfr.programs.sweep_file import SweepFile, read_sweep_file
from jaxfr.sweeps.grid import cross
from jaxfr.sweeps.plan import check_all
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.part_texts import is_meant, wanted_fields
from tests.fuzzing.texts import damage, odd_text

# Options with values that are in order, as a file writes them.
_VALUES: dict[str, tuple[Any, ...]] = {
    "learning_rate": (0.01, 1, "0.1", 1e-3),
    "model": ("fedmf", "fedmf:embedding_dim=4", "mlp:8"),
    "rounds": (6, 10, 200),
    "attack": ("none", "spattack_o_d", "lie:lie_z=1.5", "fang"),
    "aggregator": ("mean", "clip_by_norm:clip_norm=0.5+median", "krum"),
    "malicious_ratio": (0.01, 0.05, "0.1"),
    "attack_start": (0, 5),
    "dataset": ("ml-100k", "my log.csv", "é"),
    "eval_every": (0, 10),
}
_MOST_RUNS = 2000


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """A file of known content, an odd or a damaged one."""
    content, draw = _in_order(source), source.random()
    if draw > 0.3:
        for _ in range(source.choice((0, 1, 1, 2))):
            _change(content, source)
    is_toml = source.random() < 0.5
    text = _toml(content) if is_toml else json.dumps(content)
    encoded = text.encode("utf-8", "surrogatepass")
    if draw > 0.7:
        encoded = _damaged(encoded, source)
    if source.random() < 0.2:
        encoded = b"\xef\xbb\xbf" + encoded
    path = pathlib.Path("sweep" + (".toml" if is_toml else ".json"))
    path.write_bytes(encoded)
    if draw > 0.7:
        _check_runs(read_sweep_file(path))
        return
    try:
        read = read_sweep_file(path)
        _check_axes(read, content)
        _check_runs(read)
    except InvalidInputError as error:
        if draw > 0.3:
            raise
        raise WrongOutcomeError(f"refused a plain file: {error}") from None


def _in_order(source: random.Random) -> dict[str, Any]:
    def table(most: int) -> dict[str, Any]:
        names = source.sample(list(_VALUES), source.randint(1, most))
        return {
            name: values[0] if len(values) == 1 and source.random() < 0.5 else values
            for name in names
            for values in [source.sample(_VALUES[name], source.randint(1, 2))]
        }

    parts: dict[str, Any] = {
        "seeds": source.choice((0, "0:3", [0, 1], ["0:2", 5], "1,2")),
        "grid": table(3),
        "list": [table(2) for _ in range(source.randint(1, 2))],
    }
    names = source.sample(list(parts), source.randint(1, 3))
    return {name: parts[name] for name in names}


def _change(content: dict[str, Any], source: random.Random) -> None:
    tables = [content, *(v for v in content.values() if isinstance(v, dict))]
    listed = content.get("list")
    if isinstance(listed, list):
        tables += [table for table in listed if isinstance(table, dict)]
    table = source.choice(tables)
    name = source.choice(
        (*table, *_VALUES, "lie_z", "init_from", "seed", odd_text(source))
    )
    table[name] = _odd_value(source)
    if source.random() < 0.2:
        table[name] = [table[name], _odd_value(source)]


def _odd_value(source: random.Random) -> Any:
    deep: Any = []
    for _ in range(source.choice((1, 3, 300))):
        deep = [deep]
    return source.choice(
        (
            *(True, False, 0, -1, 2**31, 2**63, 10**30, 1e308, 1e39, -0.0, 1.5, 1e-320),
            *("", [], {}, [[]], {"a": 1}, [{}], ["a"], [1, "1"], [0, 0.0], deep),
            *(float("nan"), float("inf"), "nan", "none", "0:3", [0, [1]]),
            *(odd_text(source), odd_text(source), odd_text(source)),
        )
    )


def _damaged(encoded: bytes, source: random.Random) -> bytes:
    raw = (
        *(b"\xff\xfe", b"\x00", b"[" * 5000, b"{" * 5000 + b"}", b"", b"null", b"[]"),
        *(b'{"grid": {"rounds": 1, "rounds": 2}}', b"a = 1979-05-27T07:32:00Z"),
        *(b"[grid]\nrounds = 1979-05-27", b"[grid]\nrounds = 0x1F", b"[grid]\na.b = 1"),
        *(b"[grid]\nlie_z = nan", b"seeds = " + b"9" * 5000, b"seeds = [1979-05-27]"),
        *(b'{"seeds": ' + b"9" * 5000 + b"}", b'{"seeds": NaN}', b'{"seeds": 1e999}'),
        *(b"[[grid]]\nrounds = 1", b"[list]\nrounds = 1", b"list = 5", b'"\\ud800"'),
        b"grid.rounds = [1, 2]\ngrid.rounds = 3",
    )
    return source.choice(raw) if source.random() < 0.3 else damage(encoded, source)


def _toml(content: dict[str, Any]) -> str:
    """Writes TOML; what stands deeper than a table of lists is written inline."""
    return "\n".join(f"{json.dumps(k)} = {_inline(v)}" for k, v in content.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        fields = (f"{json.dumps(k)} = {_inline(v)}" for k, v in value.items())
        return "{" + ", ".join(fields) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    text = json.dumps(value)
    return {"NaN": "nan", "Infinity": "inf"}.get(text, text)


def _check_axes(read: SweepFile, content: dict[str, Any]) -> None:
    """Holds what was read against what was written."""
    tables = [(read.grid, content.get("grid", {}))]
    tables += zip(read.alternatives, content.get("list", []), strict=True)
    for axes, table in tables:
        if axes.keys() != table.keys():
            raise WrongOutcomeError(f"{table} is read as {axes}")
        for name, written in table.items():
            values = written if isinstance(written, list) else [written]
            for found, value in zip(axes[name], values, strict=True):
                if not _is_same(found, value):
                    raise WrongOutcomeError(f"{name}={value!r} is read as {found!r}")


def _is_same(found: Any, written: Any) -> bool:
    if str(found).strip().lower() == str(written).strip().lower():
        return True
    if isinstance(found, Part):
        return _is_same_part(found, str(written))
    try:
        return found == _number(written)
    except (ValueError, OverflowError):
        return found is None and written == "none"


def _is_same_part(found: Part[Any], written: str) -> bool:
    options = dict(found.options)
    for one in found.parts:
        options |= one.options
    fields = wanted_fields("part", written)
    names = fields.pop("part")
    return found.name == names and all(
        is_meant(text, options[name]) for name, text in fields.items()
    )


def _number(written: Any) -> float:
    """As the flags read it, which know 0x10 and 0o7."""
    try:
        return int(written, 0)
    except (TypeError, ValueError):
        return float(written)


def _check_runs(read: SweepFile) -> None:
    """Makes and checks the runs of a file, as the program does."""
    axes = {**read.grid, "seed": (read.seeds or (0,))[:3]}
    sizes = [
        len(values) for table in (axes, *read.alternatives) for values in table.values()
    ]
    if len(sizes) < 12 and max(sizes) < 4:
        found = cross(axes, read.alternatives)
        check_all(list(itertools.islice(found, _MOST_RUNS)))

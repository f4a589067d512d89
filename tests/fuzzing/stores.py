"""Result stores: damaged ones, and records that are whole but of another content."""

import functools
import itertools
import json
import os
import pathlib
import random
import zlib
from typing import Any

from jaxfr.explorer import contents_of
from jaxfr.records.contents import lack_of_record
from jaxfr.store import read_store
from jaxfr.store.lines import encode_line
from jaxfr.sweeps.request import RunRequest
from tests.fuzzing import programs
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.texts import damage, odd_text
from tests.records.whole import whole_record

_FILE = "20260101T000000-host-1-00000000.jsonl"


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """Damages a store, reads it, and has it told and summarised."""
    intact = write_damaged(pathlib.Path("store"), source)
    found = {record["run"]: record for record in read_store(pathlib.Path("store"))}
    for record in intact:
        if found.get(record["run"]) != record:
            raise WrongOutcomeError(
                f"record {record['run']}: is {found.get(record['run'])}"
            )
    told = read_store(pathlib.Path("store"), lack_of_record)
    if told:
        json.dumps(contents_of(told, "store"), allow_nan=False)
    programs.run("results", ["--store=store", *_arguments(source)])


def prepare() -> None:
    """What takes long, and is done once."""
    programs.load("results")


@functools.cache
def real_lines() -> tuple[bytes, ...]:
    """The lines of a store: two attacks and the clean run, two seeds each."""
    runs = itertools.product(("none", "spattack_l_d", "lie"), range(2))
    records = (
        whole_record(RunRequest(seed=seed).replace(attack=attack), run=f"{at:016x}-ab")
        for at, (attack, seed) in enumerate(runs)
    )
    return tuple(encode_line(record).rstrip(b"\n") for record in records)


def write_damaged(path: pathlib.Path, source: random.Random) -> list[dict[str, Any]]:
    """Writes a store with something wrong in it; the records that are in order."""
    records = path / "records"
    records.mkdir(parents=True)
    (path / "claims").mkdir()
    (path / "store.json").write_text('{"jaxfr_result_store": 1}\n')
    lines = list(real_lines())
    source.shuffle(lines)
    changes = source.choice((0, 1, 1, 2))
    changed_lines = [_changed_line(lines.pop(), source) for _ in range(changes)]
    mixed = lines + changed_lines
    source.shuffle(mixed)
    (records / _FILE).write_bytes(b"".join(line + b"\n" for line in mixed))
    if changes == 0 or source.random() < 0.2:
        _add_oddity(path, source)
    everything = b"\n".join(changed_lines)
    read = [json.loads(line) for line in lines]
    return [
        {name: value for name, value in record.items() if name != "checksum"}
        for record in read
        if record["run"].encode() not in everything
    ]


def _changed_line(line: bytes, source: random.Random) -> bytes:
    if source.random() < 0.2:
        return damage(line, source)
    record = json.loads(line)
    del record["checksum"]
    for _ in range(source.choice((1, 1, 2))):
        _change(record, source)
    body = json.dumps(record)
    if source.random() < 0.2:
        raw = ("1e999", "-Infinity", "[" * 3000 + "]" * 3000, "9" * 5000, '"a\\ud800"')
        name = source.choice(list(record))
        body = body[:-1] + f", {json.dumps(name)}: {source.choice(raw)}" + "}"
    return _with_checksum(body)


def _with_checksum(body: str) -> bytes:
    content = body.encode()[:-1]
    return content + f', "checksum": "{zlib.crc32(content):08x}"'.encode() + b"}"


def _change(record: dict[str, Any], source: random.Random) -> None:
    """Changes a field of a record, or of a value within it."""
    inner = [value for value in record.values() if isinstance(value, dict)]
    curve = record.get("curve")
    if isinstance(curve, list):
        inner += [point for point in curve if isinstance(point, dict)]
    place = source.choice([record, record, *inner])
    if not place:
        return
    name = source.choice(list(place))
    change = source.randrange(4)
    if change == 0:
        del place[name]
    elif change == 1:
        place[odd_text(source)] = place[name]
    elif change == 2:
        place[name] = _odd_value(source)
    else:
        other = source.choice(list(place))
        place[name], place[other] = place[other], place[name]


def _odd_value(source: random.Random) -> Any:
    return source.choice(
        (
            *(None, True, False, 0, -1, 2**31, 2**63, 10**400, 1e308, -0.0, 0.5),
            *("", [], {}, [1], {"a": 1}, [[]], {"a": {"b": [1]}}, [None], "2020-01-01"),
            *(odd_text(source), "0123456789abcdef-01234567", "2026-01-01T00:00:00"),
        )
    )


def _add_oddity(path: pathlib.Path, source: random.Random) -> None:
    """Puts something into a store that is no file of records, or damages the rest."""
    other = path / "records" / source.choice(("a.jsonl", "z.jsonl", "é\x1b[31m.jsonl"))
    oddities = (
        lambda: os.mkfifo(other),
        other.mkdir,
        lambda: other.symlink_to(other),
        lambda: other.symlink_to("nowhere"),
        lambda: other.symlink_to("/dev/zero"),
        lambda: other.symlink_to(path.resolve() / "records" / _FILE),
        lambda: other.write_bytes(source.randbytes(200)),
        lambda: other.write_bytes(b"{}\n" * 5 + b"\n\n"),
        lambda: other.write_bytes(b""),
        lambda: other.write_bytes(b"\xef\xbb\xbf" + real_lines()[0] + b"\n"),
        lambda: (path / "store.json").write_bytes(
            damage((path / "store.json").read_bytes(), source)
        ),
        lambda: (path / "store.json").write_text(
            json.dumps({"jaxfr_result_store": _odd_value(source)})
        ),
        lambda: (path / "claims" / "x.claim").mkdir(),
        lambda: (path / "claims" / "x.claim").write_text(
            odd_text(source), errors="replace"
        ),
        lambda: (path / "odd").write_text("x"),
    )
    source.choice(oddities)()


def _arguments(source: random.Random) -> list[str]:
    """What ``results`` is asked for."""
    names = (
        *("attack", "seed", "learning_rate", "dataset", "aggregator", "code_version"),
        *("malicious_clients", "device", "lie_z", "synthetic", "seconds_train", "hr@5"),
    )
    metrics = ("ndcg@5", "hr@10_tail", "hr@5_head", "seconds_train", "rounds")
    draw, groups = source.choice, source.sample(names, source.randint(1, 3))
    likely = (
        (0.4, f"--group_by={','.join(groups)}"),
        (0.4, f"--metric=hr@10,{draw(metrics)}"),
        (0.3, f"--where={draw(names)}!={draw(('0', 'none', 'x'))}"),
        (0.5, f"--code_version={draw(('all', 'latest', '0'))}"),
        (0.5, f"--export=runs.{draw(('csv', 'parquet'))}"),
        (0.3, f"--export_curves=curves.{draw(('csv', 'parquet'))}"),
        (0.03, "--output_dir=summary"),
    )
    return [argument for chance, argument in likely if source.random() < chance]

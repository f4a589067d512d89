"""Parquet files: of known content, of columns of any type, and damaged ones."""

import datetime
import decimal
import pathlib
import random
from collections.abc import Sequence
from typing import Any

import pyarrow
from pyarrow import parquet

from jaxfr.data import load_dataset
from jaxfr.errors import InvalidInputError
from tests.fuzzing.interactions import Row, check_dataset, draw_rows
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.text_tables import (
    BESIDE,
    ITEM_NAMES,
    OTHER_ITEMS,
    OTHER_TIMES,
    OTHER_USERS,
    TIME_NAMES,
    USER_NAMES,
)
from tests.fuzzing.texts import damage, odd_text

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """A file of known content, plain or hard to read, a damaged or an odd one."""
    draw, rows = source.random(), draw_rows(source)
    path = pathlib.Path(source.choice((*["data"] * 9, "o\x1b[31m")) + ".parquet")
    if draw < 0.3 and path.stem == "data":
        names = [source.choice(n) for n in (USER_NAMES, ITEM_NAMES, TIME_NAMES)]
        _write(
            path, rows, dict(zip(names, ("user", "item", "time"), strict=True)), source
        )
        try:
            found = load_dataset(str(path))
        except InvalidInputError as error:
            raise WrongOutcomeError(f"refused a plain table: {error}") from None
        check_dataset(found, rows, by_time=True)
    elif draw < 0.6:
        columns = {
            source.choice((*USER_NAMES, *OTHER_USERS)): "user",
            source.choice((*ITEM_NAMES, *OTHER_ITEMS)): "item",
        }
        by_time = source.random() < 0.8
        if by_time:
            columns[source.choice((*TIME_NAMES, *OTHER_TIMES))] = "time"
        for name in source.sample((*BESIDE, "__index_level_0__"), source.randint(0, 2)):
            columns[name] = "beside"
        names = list(columns)
        source.shuffle(names)
        _write(path, rows, {name: columns[name] for name in names}, source)
        check_dataset(load_dataset(str(path)), rows, by_time)
    elif draw < 0.8:
        columns = {"user": "user", "item": "item", "time": "time"}
        _write(path, rows, columns, source)
        path.write_bytes(damage(path.read_bytes(), source))
        load_dataset(str(path))
    else:
        _write_odd(path, source)
        load_dataset(str(path))


def _write(
    path: pathlib.Path,
    rows: Sequence[Row],
    columns: dict[str, str],
    source: random.Random,
) -> None:
    users, items = ([getattr(row, name) for row in rows] for name in ("user", "item"))
    contents: dict[str, Any] = {
        "user": _ids(users, source),
        "item": _ids(items, source),
        "time": _times([row.time for row in rows], source),
        "beside": pyarrow.array(range(len(rows))),
    }
    if source.random() < 0.5:
        contents["beside"] = pyarrow.array([float(source.randint(1, 5)) for _ in rows])
    table = pyarrow.table({name: contents[what] for name, what in columns.items()})
    parquet.write_table(table, path, row_group_size=source.choice((None, 7)))


def _ids(ids: list[str], source: random.Random) -> Any:
    if all(text.isdecimal() for text in ids) and source.random() < 0.5:
        kind = source.choice((pyarrow.int64(), pyarrow.uint64()))
        return pyarrow.array(map(int, ids), kind)
    column = pyarrow.array(ids)
    return column.dictionary_encode() if source.random() < 0.3 else column


def _times(times: list[float], source: random.Random) -> Any:
    form = source.choice(("number", "number", "s", "ms", "us", "ns", "zone"))
    if form == "number":
        return pyarrow.array(times, source.choice((pyarrow.int64(), pyarrow.float64())))
    moments = [_EPOCH + _since_epoch(time) for time in times]
    if form == "s" and any(moment.microsecond for moment in moments):
        form = "ms"
    if form == "zone":
        return pyarrow.array(moments, pyarrow.timestamp("us", "UTC"))
    return pyarrow.array(
        [m.replace(tzinfo=None) for m in moments], pyarrow.timestamp(form)
    )


def _since_epoch(time: float) -> datetime.timedelta:
    if time > 1e11:  # no float of seconds holds a millisecond
        return datetime.timedelta(milliseconds=time)
    return datetime.timedelta(seconds=time)


def _write_odd(path: pathlib.Path, source: random.Random) -> None:
    """Writes columns of any types and names, some twice, with gaps."""
    length = source.choice((0, 1, 6))
    makers: tuple[Any, ...] = (
        lambda: pyarrow.array(
            [
                odd_text(source).encode("utf-8", "replace").decode()
                for _ in range(length)
            ]
        ),
        lambda: pyarrow.array(
            [source.choice((None, 1, 2**62)) for _ in range(length)], pyarrow.int64()
        ),
        lambda: pyarrow.array(
            [source.choice((float("nan"), 1.5, 1e300, None)) for _ in range(length)],
            pyarrow.float64(),
        ),
        lambda: pyarrow.array([source.random() < 0.5 for _ in range(length)]),
        lambda: pyarrow.array([source.randbytes(2) for _ in range(length)]),
        lambda: pyarrow.array([[1, 2]] * length, pyarrow.list_(pyarrow.int64())),
        lambda: pyarrow.array(
            [{"a": 1}] * length, pyarrow.struct({"a": pyarrow.int64()})
        ),
        lambda: pyarrow.array(
            [decimal.Decimal(number) for number in range(length)],
            pyarrow.decimal128(5, 1),
        ),
        lambda: pyarrow.array(
            [datetime.date(2020, 1, 1 + number) for number in range(length)]
        ),
        lambda: pyarrow.array([datetime.time(number) for number in range(length)]),
        lambda: pyarrow.array([datetime.timedelta(number) for number in range(length)]),
        lambda: pyarrow.nulls(length),
        lambda: pyarrow.array(
            [2**63 + number for number in range(length)], pyarrow.uint64()
        ),
        lambda: pyarrow.array(range(length), pyarrow.float16()),
    )
    names = (*USER_NAMES[:2], *ITEM_NAMES[:2], *TIME_NAMES[:2], "rating", "x\x1b", "")
    width = source.randint(0, 5)
    pool = source.choices(names, k=width)
    if source.random() < 0.7:
        pool = [*(("user", "item", "timestamp")[:width]), *pool[3:]]
    arrays = [source.choice(makers)() for _ in range(width)]
    parquet.write_table(pyarrow.Table.from_arrays(arrays, names=pool), path)

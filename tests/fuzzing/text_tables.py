"""CSV, TSV and their kin: tables whose content is known, and tables of anything."""

import gzip
import pathlib
import random
from collections.abc import Mapping, Sequence
from typing import Any

from jaxfr.data import LoadOptions, TableOptions, load_dataset
from jaxfr.errors import InvalidInputError
from tests.fuzzing.interactions import Row, check_dataset, draw_rows
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.texts import damage, odd_text

USER_NAMES = ("user", "user_id", "userId", "UserID", "user_id:token", "uid", "User Id")
ITEM_NAMES = ("item", "item_id", "itemId", "ItemID", "item_id:token", "movieId", "iid")
TIME_NAMES = ("timestamp", "Timestamp", "time", "timestamp:float", "ts", "unixtime")
# Names that a reader may not know: it may refuse them, but not read something else.
OTHER_USERS = ("member", "listener", "reviewerID", "customer", "account_id", "who")
OTHER_ITEMS = ("book", "track", "asin", "product_id", "isbn", "what")
OTHER_TIMES = (
    *("unixReviewTime", "datetime", "date", "last_watch_dt", "created_at"),
    *("review_time", "event_ts", "watchedAt", "timeStamp_ms"),
)
BESIDE = ("rating", "score", "count", "plays", "weight", "stars", "title", "Unnamed: 0")
_SEPARATORS = {
    **{".csv": (",", ",", ",", ";", "\t"), ".tsv": "\t", ".inter": "\t", ".data": "\t"},
    **{".txt": ("\t", ",", ";", "|", "::", " ", "  "), ".dat": ("::", "\t")},
}


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """A table of known content, plain or hard to read, or a damaged one."""
    draw = source.random()
    rows = draw_rows(source)
    if draw < 0.15:
        _plain(rows, source)
    elif draw < 0.2:
        _rated(rows, source)
    elif draw < 0.35:
        _named(rows, source)
    elif draw < 0.65:
        _unusual(rows, source)
    else:
        _anything(rows, source)


def _plain(rows: Sequence[Row], source: random.Random) -> None:
    """What README.md promises to read."""
    names = [source.choice(n) for n in (USER_NAMES, ITEM_NAMES, TIME_NAMES)]
    by_time = source.random() < 0.8
    columns = {names[0]: "user", names[1]: "item"}
    columns |= {names[2]: "time"} if by_time else {}
    if source.random() < 0.5:
        columns["rating"] = "beside"
    path = _write(rows, columns, True, source)
    try:
        found = load_dataset(str(path))
    except InvalidInputError as error:
        raise WrongOutcomeError(f"refused a plain table: {error}") from None
    check_dataset(found, rows, by_time)


def _rated(rows: Sequence[Row], source: random.Random) -> None:
    """Rows with ratings, of which the low ones do not count."""
    path = pathlib.Path("rated" + source.choice((".csv", ".csv.gz", ".txt", ".tsv")))
    least, separator = source.randint(1, 5), "\t" if ".tsv" in path.name else ","
    write = source.choice((str, str, lambda rating: f"{rating:.1f}"))
    ratings = [source.randint(1, 5) for _ in rows]
    cells = [
        (row.user.strip(), row.item, write(rating), str(row.time))
        for row, rating in zip(rows, ratings, strict=True)
    ]
    names = ("user", "item", source.choice(("rating", "stars", "overall")), "time")
    text = "".join(separator.join(line) + "\n" for line in (names, *cells)).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    kept = [row for row, rated in zip(rows, ratings, strict=True) if rated >= least]
    options = LoadOptions(table=TableOptions(min_rating=float(least)))
    found = load_dataset(str(path), options)
    check_dataset(found, kept, by_time=True)


def _named(rows: Sequence[Row], source: random.Random) -> None:
    """Columns of any names, in any order, of which the user says what they are."""
    known = {
        "user": source.choice((*USER_NAMES, *OTHER_USERS, *BESIDE)),
        "item": source.choice((*ITEM_NAMES, *OTHER_ITEMS, *USER_NAMES)),
        "time": source.choice((*TIME_NAMES, *OTHER_TIMES, *BESIDE)),
    }
    names = list(dict.fromkeys((*known.values(), *source.sample(BESIDE, 2))))
    plain = {name.partition(":")[0] for name in names}
    if len(plain) < len(names) or len(set(known.values())) < len(known):
        return  # a name must say which column it is
    source.shuffle(names)
    roles = {name: role for role, name in known.items()}
    header, by_time = source.random() < 0.7, source.random() < 0.8
    said: dict[str, Any] = {
        f"{role}_column": name if header else str(names.index(name) + 1)
        for role, name in known.items()
    }
    if not by_time:
        said["time_column"] = "none"
    columns = {name: roles.get(name, "beside") for name in names}
    path = _write(rows, columns, header, source)
    options = LoadOptions(table=TableOptions(header="yes" if header else "no", **said))
    try:
        found = load_dataset(str(path), options)
    except InvalidInputError as error:
        raise WrongOutcomeError(f"refused what was named: {error}") from None
    check_dataset(found, rows, by_time)


def _unusual(rows: Sequence[Row], source: random.Random) -> None:
    """What may be refused, and must be read rightly otherwise."""
    user = source.choice((*USER_NAMES, *OTHER_USERS))
    item = source.choice((*ITEM_NAMES, *OTHER_ITEMS))
    time = source.choice((*TIME_NAMES, *OTHER_TIMES, *OTHER_TIMES))
    columns = {user: "user", item: "item"}
    by_time = source.random() < 0.8
    columns |= {time: "time"} if by_time else {}
    for name in source.sample(BESIDE, source.choice((0, 1, 1, 2))):
        columns[name] = "beside"
    names = list(columns)
    header = source.random() < 0.7
    if header:
        source.shuffle(names)
    path = _write(rows, {name: columns[name] for name in names}, header, source)
    found = load_dataset(str(path))
    check_dataset(found, rows, by_time)


def _write(
    rows: Sequence[Row],
    columns: Mapping[str, str],
    header: bool,
    source: random.Random,
) -> pathlib.Path:
    """Writes a table.

    Args:
        rows: its rows.
        columns: what stands in each column, by its name.
        header: whether the names are written.
        source: of the form.
    """
    extension = source.choice(list(_SEPARATORS))
    if any(" " in text for row in rows for text in (*row[:2], *columns)):
        extension = source.choice((".csv", ".tsv"))  # blanks may be what separates
    separator = source.choice(_SEPARATORS[extension])
    end = source.choice(("\n", "\n", "\r\n"))
    is_quoted = extension == ".csv" and separator in ",;" and source.random() < 0.2
    quote = '"' * is_quoted
    kinds = ("rating", "half", "zeros", "index", *["words"] * (extension != ".txt"))
    beside = source.choice(kinds)
    times = source.choice((str, str, lambda time: f"{float(time)}"))
    lines = [separator.join(f"{quote}{name}{quote}" for name in columns)] * header
    for number, row in enumerate(rows):
        cells = {
            "user": row.user,
            "item": row.item,
            "time": times(row.time),
            "beside": {
                "rating": str(source.randint(1, 5)),
                "half": str(source.randint(1, 10) / 2),
                "words": source.choice(("good", "bad, very", "x y")),
                "zeros": "0",
                "index": str(number),
            }[beside],
        }
        if separator in ",;" and not quote:
            cells["beside"] = cells["beside"].replace(",", "")
        lines.append(
            separator.join(f"{quote}{cells[c]}{quote}" for c in columns.values())
        )
    text = end.join(lines) + end * source.choice((0, 1, 1, 2))
    mark = source.choice(("", "", "\ufeff"))
    encoded = (mark + text).encode()
    if source.random() < 0.2:
        extension, encoded = f"{extension}.gz", gzip.compress(encoded, mtime=0)
    path = pathlib.Path(source.choice(("data", "my log", "d.é")) + extension)
    path.write_bytes(encoded)
    return path


def _anything(rows: Sequence[Row], source: random.Random) -> None:
    """A damaged table, one of odd cells, or no table at all."""
    draw = source.random()
    if draw < 0.45:
        names = [source.choice((*n, "")) for n in (USER_NAMES, ITEM_NAMES, TIME_NAMES)]
        columns = dict(zip(names, ("user", "item", "time"), strict=True))
        path = _write(rows, columns, source.random() < 0.7, source)
        path.write_bytes(damage(path.read_bytes(), source))
    elif draw < 0.9:
        path = pathlib.Path(
            source.choice((*["odd"] * 18, "o\x1b[31m", "a\nb")) + ".csv"
        )
        known = (*USER_NAMES, *ITEM_NAMES, *TIME_NAMES, *BESIDE, *OTHER_TIMES)
        width, separator = source.randint(1, 5), source.choice(",,,\t; |")
        lines = [[source.choice(known) for _ in range(width)]]
        for _ in range(source.randint(0, 8)):
            cells = [str(source.randint(0, 9)) for _ in range(width)]
            if source.random() < 0.5:
                cells[source.randrange(width)] = odd_text(source)
            lines.append(cells[: width - (source.random() < 0.05)])
        text = source.choice(("\n", "\r\n", "\r")).join(map(separator.join, lines))
        code = source.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16"))
        path.write_bytes(text.encode(code, "surrogatepass"))
    else:
        path = pathlib.Path("bytes" + source.choice((*_SEPARATORS, ".CSV", ".txt", "")))
        path.write_bytes(source.randbytes(source.choice((0, 1, 10, 1000, 200_000))))
    load_dataset(str(path))

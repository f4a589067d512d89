r"""Writes a page to explore a result store: tables, curves, heatmaps, differences.

jaxfr report --store=runs/store --output_dir=runs/explorer

The page is one file, which opens in a browser without a network. Runs can be sorted,
filtered and grouped in it; each tells the command that repeats it.
"""

import pathlib
import time

from absl import flags

from jaxfr.errors import InvalidInputError
from jaxfr.explorer import PAGE_FILE, write_page
from jaxfr.programs import output_flags, store_flag
from jaxfr.programs.flag_parsers import define_number
from jaxfr.ranges import POSITIVE
from jaxfr.records.contents import lack_of_record
from jaxfr.store import Store, last_wanted
from jaxfr.store.status import status_of

# What the page says of runs that are wanted and not done, as jaxfr status does.
_UNFINISHED = ("running", "left", "failed")

EXAMPLE = "--watch --watch_seconds=60"
"""For ``--help``, of the flags that only this program has."""

store_flag.define()
_WATCH = flags.DEFINE_bool(
    "watch",
    False,
    "Whether the page is written again whenever runs have finished, until Ctrl-C.",
)
_WATCH_SECONDS = define_number(
    "watch_seconds", 10.0, "Seconds between two looks at the store.", POSITIVE
)
output_flags.define(PAGE_FILE, required=True)


def main() -> None:
    """Does what the flags say."""
    store = store_flag.open_to_read(lack_of_record)
    folder = output_flags.prepare_output([PAGE_FILE])
    if folder is None:
        raise InvalidInputError(
            "output_dir: name the folder for the page, --output_dir=..."
        )
    page = folder / PAGE_FILE
    seen = _write(store, page)
    while _WATCH.value:
        time.sleep(_WATCH_SECONDS.value)
        seen = _write(store, page, seen)


def _write(store: Store, page: pathlib.Path, seen: object = None) -> object:
    """Writes the page, unless it would tell what was ``seen``; says what it tells."""
    total = status_of(store).total
    unfinished = {name: getattr(total, name) for name in _UNFINISHED}
    records = store.records()
    wanted = last_wanted(store.path)
    tells = len(records), unfinished, wanted
    if tells == seen:
        return seen
    if not records and not _WATCH.value:
        raise InvalidInputError(f"{store.path}: the store holds no runs yet")
    if records:
        write_page(page, records, str(store.path), unfinished, wanted)
        print(f"wrote {page} with {len(records):,} runs", flush=True)
    return tells

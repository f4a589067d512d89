"""A folder of records that many processes write at once, and that loses none.

``records/`` holds one file for each process that ever wrote, lines of JSON with a
checksum each; ``claims/`` says which runs are in whose hands. Stores are merged by
copying the files of one into ``records/`` of another. ``plans/`` and ``failures/`` tell
people how far a store is (``jaxfr status``), and which version of a run they look at.
"""

from jaxfr.store.plans import last_wanted
from jaxfr.store.store import Record, Store, look_into_store, open_store, read_store

__all__ = [
    "Record",
    "Store",
    "last_wanted",
    "look_into_store",
    "open_store",
    "read_store",
]

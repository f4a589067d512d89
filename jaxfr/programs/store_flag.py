"""The flag for the result store that a program only looks into."""

import pathlib

from absl import flags

from jaxfr.errors import InvalidInputError
from jaxfr.files import user_path
from jaxfr.store import Store, look_into_store
from jaxfr.store.reading import Check
from jaxfr.store.store import accept_any

# Flags belong to the modules that call the function below.
flags.disclaim_key_flags()


def define() -> None:
    """Defines ``--store``, the folder of a store that is there."""
    flags.DEFINE_string("store", None, "Folder of the result store to read.")


def store_path() -> pathlib.Path:
    """The folder that ``--store`` names, which must be given."""
    if flags.FLAGS.store is None:
        raise InvalidInputError("store: name the folder of the records, --store=...")
    return user_path(flags.FLAGS.store, "store")


def open_to_read(check: Check = accept_any) -> Store:
    """Opens the store that ``--store`` names, to read only."""
    store = look_into_store(store_path(), check=check)
    if store is None:
        raise InvalidInputError(f"{store_path()}: there is no result store")
    return store

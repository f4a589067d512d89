"""Runs tutorials, each in a fresh kernel and an empty folder.

python -m tests.experiments.tutorials 4 6    # writes anew what these show, or all
"""

import os
import pathlib
import sys
import tempfile

import nbformat
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[2]
TUTORIALS = sorted((ROOT / "experiments" / "tutorials").glob("*.ipynb"))


def read(path: pathlib.Path) -> nbformat.NotebookNode:
    """A notebook as it is committed."""
    return nbformat.read(path, as_version=4)


def executed(path: pathlib.Path, folder: pathlib.Path) -> nbformat.NotebookNode:
    """The notebook with what it shows when it is run in this folder.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell fails.
    """
    notebook = read(path)
    client = NotebookClient(
        notebook,
        timeout=600,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    # Nobody's own settings of IPython have a part in it.
    client.execute(env={**os.environ, "IPYTHONDIR": str(folder / ".ipython")})
    return notebook


def main() -> None:
    """Writes what tutorials show."""
    chosen = tuple(sys.argv[1:])
    for path in TUTORIALS:
        if chosen and not path.stem.startswith(chosen):
            continue
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(path, pathlib.Path(folder)), path)
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()

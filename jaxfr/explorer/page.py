"""The page as one file of HTML, which loads nothing and runs no script but its own."""

import base64
import datetime
import functools
import gzip
import hashlib
import json
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jaxfr.errors import InvalidInputError, import_extra
from jaxfr.explorer.contents import contents_of
from jaxfr.files import write_atomically
from jaxfr.records.record import Record

# The template, how it looks and what it does: one script in several files.
_FOLDER = pathlib.Path(__file__).parent
_SCRIPTS = tuple(
    f"{name}.js"
    for name in ("runs", "table", "charts", "curves", "along", "comparisons", "page")
)
_EXTRA = "report"

PAGE_FILE = "report.html"
"""What programs call the page."""


def can_render() -> bool:
    """Whether what the page is made with is installed."""
    try:
        _import_jinja()
        _import_vega()
    except InvalidInputError:
        return False
    return True


def write_page(
    path: pathlib.Path,
    records: Sequence[Record],
    store: str,
    unfinished: Mapping[str, int] | None = None,
    wanted: Mapping[str, datetime.datetime] | None = None,
) -> None:
    """Writes the page of records into a file; for the rest see ``contents_of``."""
    text = render(contents_of(records, store, unfinished, wanted))
    write_atomically(path, text.encode("utf-8", "backslashreplace"))


def render(contents: Mapping[str, Any]) -> str:
    """Writes the page of :func:`jaxfr.explorer.contents_of`.

    The runs stand in it once, as JSON, compressed: ten thousand would else take most of
    the page. The browser runs those scripts alone whose hashes the page names, so that
    whatever a name in a store holds is text, and it is told to load nothing.

    Raises:
        InvalidInputError: if what it is made with is not installed; says how to.
    """
    jinja = _import_jinja()
    loader = jinja.FileSystemLoader(_FOLDER)
    environment = jinja.Environment(
        loader=loader, autoescape=True, undefined=jinja.StrictUndefined
    )
    text = json.dumps(contents, allow_nan=False, separators=(",", ":"))
    packed = gzip.compress(text.encode("utf-8", "replace"), mtime=0)
    own = "".join(_FOLDER.joinpath(name).read_text("utf-8") for name in _SCRIPTS)
    scripts = [charts(), own]
    return environment.get_template("page.html").render(
        contents=contents,
        data=base64.b64encode(packed).decode(),
        style=_FOLDER.joinpath("page.css").read_text("utf-8"),
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
    )


@functools.cache
def charts() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    bundle = _import_vega().javascript_bundle()
    # Inside a script this would end it; as \/ it is the same text.
    return re.sub(r"</(?=script)", r"<\\/", bundle, flags=re.I)


def _import_jinja() -> Any:
    return import_extra("jinja2", _EXTRA, "report")


def _import_vega() -> Any:
    return import_extra("vl_convert", _EXTRA, "report")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"

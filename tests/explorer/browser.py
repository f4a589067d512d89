"""A Chromium without a window, and the page in it: what it says and complains of.

No browser is a Python package; ``.ci/run`` puts one of npm's beside this Python:

    npm install --prefix .venv/browser @sparticuz/chromium@153.0.0 axe-core@4.14.1
"""

import contextlib
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jaxfr.files import replacing

_FOLDER = pathlib.Path(sys.prefix, "browser")
_MODULES = _FOLDER / "node_modules"
_PACKED = _MODULES / "@sparticuz" / "chromium" / "bin" / "chromium.br"
AXE = _MODULES / "axe-core" / "axe.min.js"


@contextlib.contextmanager
def opened_browser() -> Iterator[Any]:
    """The browser; where there is none, or it cannot start, tests are skipped."""
    api = pytest.importorskip("playwright.sync_api")
    if not _PACKED.exists():
        pytest.skip(f"no browser in {_FOLDER}; see tests/explorer/browser.py")
    program = _FOLDER / "chromium"
    if not program.exists():
        brotli = pytest.importorskip("brotli")
        with replacing(program) as unfinished:
            unfinished.write_bytes(brotli.decompress(_PACKED.read_bytes()))
            unfinished.chmod(0o755)
    with api.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(
                executable_path=program, args=["--no-sandbox"]
            )
        except api.Error as error:
            pytest.skip(f"the browser does not start: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


class Opened:
    """A page in a browser, drawn to its end.

    Attributes:
        page: Playwright's.
        complaints: all that the console was told, and what asked for something outside.
    """

    def __init__(self, browser: Any, path: pathlib.Path, **how: Any) -> None:
        self.page = browser.new_context(**how).new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", self._note_request)
        self._own = path.as_uri()
        self.page.goto(self._own)
        self.page.wait_for_selector("html[data-ready]")

    def _note_request(self, request: Any) -> None:
        if request.url != self._own and not request.url.startswith("blob:"):
            self.complaints.append(request.url)

    def table(self) -> list[list[str]]:
        """The texts of the table of runs, its headings first."""
        return self._rows("#table")

    def column(self, name: str) -> list[str]:
        """What stands in a column of the table of runs."""
        head, *rows = self.table()
        place = [title.rstrip(" ▲▼") for title in head].index(name)
        return [row[place] for row in rows]

    def numbers(self, chart: str) -> list[list[str]]:
        """The rows of the numbers below a chart, without their headings."""
        self.page.locator(f"#{chart} details.numbers").evaluate(
            "one => one.open = true"
        )
        self.page.wait_for_selector(f"#{chart} details.numbers tbody")
        return self._rows(f"#{chart} details.numbers table")[1:]

    def texts(self, selector: str) -> list[str]:
        """The texts of all that a selector finds."""
        return self.page.locator(selector).all_text_contents()

    def labels(self, chart: str) -> list[str]:
        """How the labels along the axes of a chart begin; long ones are cut."""
        drawn = self.texts(f"#{chart} svg .role-axis-label text")
        return [text[:12] for text in drawn]

    def saved(self, button: str) -> str:
        """The content of the file that a button saves."""
        with self.page.expect_download() as download:
            self.page.click(button)
        return pathlib.Path(download.value.path()).read_text("utf-8")

    def search(self, words: str) -> None:
        """Types into the search, and waits until the page has answered."""
        before = self.page.inner_text("#count")
        self.page.fill("#search", words)
        self.wait_until(lambda: self.page.inner_text("#count") != before)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Waits for the page; what it may not evaluate itself is asked from outside."""
        for _ in range(200):
            if holds():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("the page does not answer")

    def _rows(self, table: str) -> list[list[str]]:
        return self.page.eval_on_selector_all(
            f"{table} tr",
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))",
        )

"""The page of a store, as the program writes it, and writes it again."""

import pathlib
import sys
import time

import pytest

from jaxfr.store import open_store
from jaxfr.store.plans import leave_failure, leave_plan
from tests.explorer.samples import sample_records
from tests.programs.programs import assert_refused, jaxfr, run, start


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "store"
    with open_store(path) as opened:
        opened.append(sample_records()[:2])
    return path


def report(store: pathlib.Path, *arguments: str, program=jaxfr):
    folder = store.parent / "out"
    flags = (f"--store={store}", f"--output_dir={folder}", *arguments)
    return run("report", *flags, program=program)


def without_jinja() -> None:
    sys.modules["jinja2"] = None  # type: ignore[assignment]
    jaxfr()


def test_the_page_is_one_file_that_names_the_store_and_its_runs(store):
    wanted = [f"{digit}" * 16 + "-a" for digit in "0123456"]
    leave_plan(store, [("a program", wanted)], any_code=False)
    leave_failure(store, "host-1-a", wanted[:1], ValueError("no"))
    with open_store(store) as other:
        other.claim(wanted[1:3], at_most=2)
        done = report(store)
    page = store.parent / "out" / "report.html"
    assert (done.returncode, done.stdout) == (0, f"wrote {page} with 2 runs\n")
    text = page.read_text()
    assert f"<h1>Runs of {store}</h1>" in text
    assert "2 runs finished, 2 running, 4 left, 1 failed.\n" in text
    assert [path.name for path in page.parent.iterdir()] == [page.name]


def test_a_page_is_replaced_if_asked_for(store):
    assert report(store).returncode == 0
    assert_refused(report(store), "report.html")
    assert report(store, "--overwrite").returncode == 0


def test_what_has_no_runs_is_refused(tmp_path):
    assert_refused(report(tmp_path / "nothing"), "there is no result store")
    with open_store(tmp_path / "store"):
        pass
    assert_refused(report(tmp_path / "store"), "holds no runs yet")


def test_what_is_not_installed_is_named_with_its_extra(store):
    assert_refused(report(store, program=without_jinja), "jaxfr[report]")


def test_a_watched_store_has_its_page_written_again_as_runs_finish(store):
    page = store.parent / "out" / "report.html"
    flags = (f"--store={store}", f"--output_dir={page.parent}", "--watch")
    watching = start("report", *flags, "--watch_seconds=0.1")
    try:
        _wait_for("2 runs finished", page, watching)
        with open_store(store) as opened:
            opened.append(sample_records()[2:])
        _wait_for("18 runs finished", page, watching)
    finally:
        watching.kill()
        watching.wait()


def _wait_for(text: str, page: pathlib.Path, watching) -> None:
    while not (page.exists() and text in page.read_text()):
        assert watching.lives()
        time.sleep(0.05)

"""The tutorials run, each in a fresh kernel, and show what is committed."""

import ast
import re

import pytest

from tests.experiments.tutorials import ROOT, TUTORIALS, executed, read

every_tutorial = pytest.mark.parametrize(
    "path", TUTORIALS, ids=[path.stem for path in TUTORIALS]
)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def shown(notebook):
    """What the cells show: a picture as ``picture``, all else as text."""
    return [
        "picture"
        if "image/png" in output.get("data", {})
        else output.get("text") or output["data"]["text/plain"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def words(text):
    """The text without its numbers, and without the room that these take."""
    return re.sub(r"\s+", " ", NUMBER.sub("#", text))


@every_tutorial
def test_a_tutorial_runs_and_shows_what_is_committed(path, tmp_path):
    """Numbers may differ by what another machine rounds in another way."""
    before, now = shown(read(path)), shown(executed(path, tmp_path))
    assert [words(text) for text in now] == [words(text) for text in before]
    for old, new in zip(before, now, strict=True):
        found, expected = (
            [float(number) for number in NUMBER.findall(text)] for text in (new, old)
        )
        assert found == pytest.approx(expected, rel=0.05, abs=0.06), new


@every_tutorial
def test_a_tutorial_is_committed_as_it_ran_once_and_small(path):
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    outputs = [output for cell in cells for output in cell.outputs]
    assert not any(output.get("name") == "stderr" for output in outputs)
    content = path.read_text()
    assert not re.search(r'[" ](/home|/root|/tmp|/usr|/work)/', content)
    assert len(content) < 150_000


@every_tutorial
def test_a_tutorial_uses_public_names_only(path):
    code = "\n".join(
        re.sub(r"\A%%.*\n", "", cell.source)
        for cell in read(path).cells
        if cell.cell_type == "code"
    )
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            assert not str(node.module).startswith("jaxfr")
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
            assert not any(name.startswith("jaxfr.") for name in names)


def test_the_index_names_every_tutorial():
    index = (ROOT / "experiments" / "tutorials" / "README.md").read_text()
    assert re.findall(r"\((\w+\.ipynb)\)", index) == [path.name for path in TUTORIALS]

"""What documents tell to type can be typed: programs, flags and values are as there."""

import re
import shlex

import pytest

from jaxfr.programs.overview import overview
from tests.programs.programs import ROOT, run

PAGES = ("programs", "data", "evaluation", "sweeps", "tournament", "theory")
DOCUMENTS = (
    *("README.md", "BUILD_NOTES.md", "CONTRIBUTING.md", "jaxfr/README.md"),
    *(f"jaxfr/{name}/README.md" for name in PAGES),
    *("experiments/README.md", "experiments/examples/README.md"),
    *("experiments/arena/README.md", "experiments/scaling/README.md"),
)


def commands() -> set[str]:
    """All commands of code blocks and code spans that start a program of jaxfr's."""
    found = []
    for name in DOCUMENTS:
        text = (ROOT / name).read_text()
        blocks = re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S)
        for block in blocks:
            found += block.replace("\\\n", " ").splitlines()
        text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
        found += re.findall(r"`(jaxfr [a-z]+ --[^`]*)`", text)
    lines = (" ".join(line.split()) for line in found)
    begun = (re.sub(r".*(&& \S*/|-m )jaxfr ", "jaxfr ", line) for line in lines)
    return {line for line in begun if re.match(r"jaxfr [a-z]+( -|$)", line)}


@pytest.mark.parametrize("command", sorted(commands()))
def test_a_command_of_the_documents_is_read(command):
    filled_in = re.sub(r"\$\w+", "0", command).rstrip(" &")
    _, *arguments = shlex.split(filled_in, comments=True)
    done = run(*arguments, "--only_check_args")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["attacks", "stages", "aggregators"])
def test_tables_of_parts_are_those_that_list_prints(name):
    text = (ROOT / "README.md").read_text()
    command = f"jaxfr list {name} --format=markdown"
    shown = re.search(rf"<!-- {command} -->\n(.*?)\n<!-- end -->", text, re.S)
    assert shown is not None
    assert shown[1] == overview(name)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files_and_headings_that_are_there(name):
    path = ROOT / name
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if target.startswith("http"):
            continue
        file, _, heading = target.partition("#")
        other = (path.parent / file) if file else path
        assert other.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", other.read_text(), re.M)
            anchors = [
                re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles
            ]
            assert heading in anchors, target


def test_the_readme_is_read_in_ten_minutes():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_commands_are_found():
    assert {line.split()[1] for line in commands()} >= {
        *("train", "sweep", "results", "report", "dataset"),
        *("benchmark", "scale", "submit"),
    }

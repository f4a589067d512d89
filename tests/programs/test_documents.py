"""What documents tell to type can be typed: programs, flags and values are as there."""

import re
import shlex

import pytest

from tests.programs.programs import ROOT, run

DOCUMENTS = ("README.md", "BUILD_NOTES.md", "experiments/scaling/README.md")


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


def test_commands_are_found():
    assert {line.split()[1] for line in commands()} >= {
        *("train", "sweep", "results", "report", "dataset"),
        *("benchmark", "scale", "submit"),
    }

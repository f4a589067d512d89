"""What shells complete, asked of bash itself; zsh and fish where they are there."""

import re
import shutil
import subprocess

import pytest

from jaxfr.attacks import ATTACKS
from jaxfr.programs import PROGRAMS
from tests.programs.programs import assert_refused, run

# As bash calls it: the line as it stands, and cut at what separates words there.
_ASK = """
compopt() { :; }
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_jaxfr
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The scripts of all shells, as files."""
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh", "fish"):
        printed = run("completion", shell)
        assert (printed.returncode, printed.stderr) == (0, "")
        (folder / shell).write_text(printed.stdout)
    return folder


def complete(script, line):
    words = [word for word in re.split(r"([=:@])|\s+", line) if word]
    asked = ["bash", "-c", _ASK, "ask", script, line, *words, *[""] * (line[-1] == " ")]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_programs_flags_and_values(scripts):
    script = scripts / "bash"
    assert complete(script, "jaxfr ") == list(PROGRAMS)
    assert complete(script, "jaxfr tra") == ["train"]
    assert complete(script, "jaxfr train --att") == ["--attack=", "--attack_start="]
    assert complete(script, "jaxfr sweep --checkpoint_d") == ["--checkpoint_dir="]
    assert complete(script, "jaxfr submit --sweep_f") == ["--sweep_file="]
    assert complete(script, "jaxfr train --overw") == ["--overwrite"]
    assert complete(script, "jaxfr train --attack=") == list(ATTACKS)
    assert complete(script, "jaxfr train --attack=lie,gau") == ["lie,gaussian"]
    assert complete(script, "jaxfr train --aggregator=arc+kr") == ["arc+krum"]
    assert complete(script, "jaxfr train --metrics=hr@10,nd") == ["@10,ndcg@10"]
    assert complete(script, "jaxfr train --targets=cold:") == ["5"]
    assert complete(script, "jaxfr train --header=y") == ["yes"]
    assert complete(script, "jaxfr tournament --suite=q") == ["quick"]
    assert complete(script, "jaxfr list spattack_o_") == [
        "spattack_o_d",
        "spattack_o_s",
    ]
    assert complete(script, "jaxfr completion z") == ["zsh"]


def test_bash_completes_files_where_values_are_not_known(scripts):
    line = f"jaxfr train --init_from={scripts}/fi"
    assert complete(scripts / "bash", line) == [f"{scripts}/fish"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_in_the_language_of_its_shell(scripts, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    subprocess.run([shell, "-n", scripts / shell], check=True)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_know_the_same_words(scripts, shell):
    text = (scripts / shell).read_text()
    for word in (*PROGRAMS, *ATTACKS, "checkpoint_dir", "nooverwrite", "table3_ml-1m"):
        assert re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text), word


@pytest.mark.parametrize("words", [["completion"], ["completion", "bsh"]])
def test_an_unknown_shell_is_refused_with_those_that_are_known(words):
    assert_refused(run(*words), "must be one of bash, zsh, fish")

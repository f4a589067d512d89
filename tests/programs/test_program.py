import signal
import subprocess
import sys

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.programs.program import prepare_output

PROGRAM = """
import signal
from absl import flags
from jaxfr.errors import InvalidInputError
from jaxfr.files import temporary_folder
from jaxfr.programs.program import run_program
from jaxfr.stopping import keeping

# Tests may have been started where it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
ROUNDS = flags.DEFINE_integer("rounds", 5, "Number of rounds.", lower_bound=1)
RULE = flags.DEFINE_enum("rule", "mean", ["mean", "median"], "Rule.")
FAILURE = flags.DEFINE_enum("failure", "none", ["none", "input", "defect"], "Failure.")
SIGNAL = flags.DEFINE_integer("signal", 0, "Signal that this program gets.")

def main():
    if FAILURE.value == "input":
        raise InvalidInputError("file.csv, line 3:\\n  two columns are missing")
    if FAILURE.value == "defect":
        raise RuntimeError("a defect")
    if SIGNAL.value:
        with keeping("records are kept in a/store"), temporary_folder():
            signal.raise_signal(SIGNAL.value)
    print(ROUNDS.value, RULE.value)

run_program(main)
"""


def _run(*arguments):
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_program_that_succeeds_exits_with_0(tmp_path):
    preset = tmp_path / "preset.cfg"
    preset.write_text("--rule=median\n")
    finished = _run("--rounds=7", f"--flagfile={preset}")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "7 median\n"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--failure=input", "error: file.csv, line 3: two columns are missing"),
        ("--round=7", "Unknown command line flag 'round'. Did you mean: rounds ?"),
        ("--rounds=many", "flag --rounds=many"),
        ("--rounds=0", "flag --rounds=0"),
        ("--rule=sum", "value should be one of <mean|median>"),
        ("--flagfile=missing.cfg", "missing.cfg"),
        ("ml-100k", "unexpected argument 'ml-100k'"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(argument, message):
    finished = _run(argument)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert message in finished.stderr
    assert finished.stderr.startswith("error: ")
    assert finished.stderr.count("\n") == 1


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_program_that_is_asked_to_end_says_what_is_kept(
    name, code, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    finished = _run(f"--signal={signal.Signals[name].value}")
    assert (finished.returncode, finished.stdout) == (code, "")
    assert finished.stderr == (
        f"stopped by {name}: records are kept in a/store; the same command goes on "
        "from there\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_flag_file_may_begin_with_a_byte_order_mark(tmp_path):
    inner, outer = tmp_path / "inner.flags", tmp_path / "outer.flags"
    inner.write_text("# Settings\n--rule=median\n", encoding="utf-8-sig")
    outer.write_text(f"--flagfile={inner}\n--rounds=7", encoding="utf-8-sig")
    assert _run(f"--flagfile={outer}").stdout == "7 median\n"


def test_a_flag_file_that_is_no_text_is_a_users_mistake(tmp_path):
    (tmp_path / "a.flags").write_bytes(b"--rule=\xff\xfe\n")
    finished = _run(f"--flagfile={tmp_path / 'a.flags'}")
    assert finished.returncode == 2
    assert finished.stderr.startswith("error: flagfile: ")


def test_a_defect_keeps_its_stack_trace():
    finished = _run("--failure=defect")
    assert finished.returncode == 1
    assert "Traceback" in finished.stderr


def test_an_output_folder_is_made(tmp_path):
    folder = prepare_output(str(tmp_path / "a" / "b"), ["x.png"], overwrite=False)
    assert folder.is_dir()


def test_existing_files_are_refused_unless_they_may_be_overwritten(tmp_path):
    (tmp_path / "x.png").touch()
    with pytest.raises(InvalidInputError, match=r"already holds x\.png; .*--overwrite"):
        prepare_output(str(tmp_path), ["x.png", "y.csv"], overwrite=False)
    assert prepare_output(str(tmp_path), ["y.csv"], overwrite=False) == tmp_path
    assert prepare_output(str(tmp_path), ["x.png"], overwrite=True) == tmp_path


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match="cannot make the output folder"):
        prepare_output(str(tmp_path / "file" / "x"), [], overwrite=False)


@pytest.mark.parametrize("folder", ["", "~nosuch/runs", "n" * 300])
def test_an_output_folder_that_cannot_be_named_so_is_refused(
    tmp_path, monkeypatch, folder
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match=f"^output_dir={folder}: "):
        prepare_output(folder, ["results.jsonl"], overwrite=True)
    assert list(tmp_path.iterdir()) == []

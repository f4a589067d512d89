"""What all programs do the same way: starting, flags, presets, mistakes, ends."""

import importlib
import re
import signal
import sys

import pytest
from absl import flags

import jaxfr as package
from jaxfr.errors import InvalidInputError
from jaxfr.files import temporary_folder
from jaxfr.presets import preset_names, preset_path
from jaxfr.programs import PROGRAMS, describe_program
from jaxfr.programs.help import GROUPS
from jaxfr.programs.program import expand_flags, run_program
from jaxfr.stopping import keeping
from jaxfr.sweeps.request import RUN_OPTIONS
from tests.programs.programs import assert_refused, run


def program() -> None:
    """A program with all that may happen to one."""
    # Tests may have been started where it is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rounds = flags.DEFINE_integer("rounds", 5, "Number of rounds.", lower_bound=1)
    rule = flags.DEFINE_enum("rule", "mean", ["mean", "median"], "Rule.")
    failure = flags.DEFINE_enum("failure", "", ["", "input", "defect"], "Failure.")
    number = flags.DEFINE_integer("signal", 0, "Signal that this program gets.")
    flags.DEFINE_list("names", [], "Names.")
    flags.DEFINE_bool("ask", False, "Whether to ask.")
    flags.DEFINE_multi_string("where", [], "Conditions.")
    flags.declare_key_flag("preset")

    def main() -> None:
        if failure.value == "input":
            raise InvalidInputError("file.csv, line 3:\n  two columns are missing")
        if failure.value == "defect":
            raise RuntimeError("a defect")
        if number.value:
            with keeping("records are kept in a/store"), temporary_folder():
                signal.raise_signal(number.value)
        print(rounds.value, rule.value)

    run_program(main)


def parse() -> None:
    """Reads the flags of a program, and does nothing with them."""
    importlib.import_module(f"jaxfr.programs.{sys.argv[1]}")
    del sys.argv[1]
    run_program(lambda: print("parsed"))


def test_a_program_that_succeeds_exits_with_0(tmp_path):
    (tmp_path / "a.flags").write_text("--rule=median\n")
    finished = run("--rounds=7", f"--flagfile={tmp_path}/a.flags", program=program)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "7 median\n"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--failure=input", "error: file.csv, line 3: two columns are missing"),
        ("--round=7", "; did you mean rounds?"),
        ("--rounds=many", "flag --rounds=many"),
        ("--rounds=0", "flag --rounds=0"),
        ("--rule=sum", "value should be one of <mean|median>"),
        ("--flagfile=missing.cfg", "missing.cfg"),
        ("--flagfile=/bin/sh", "error: flagfile: is no text in UTF-8"),
        ("--preset=mian", "preset='mian': no preset; did you mean main?"),
        ("--preset", "preset='': no preset; there are figure3_krum_o_d"),
        ("ml-100k", "unexpected argument 'ml-100k'"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(argument, message):
    assert_refused(run(argument, program=program), message)


def test_a_flag_of_several_values_stands_once_and_of_one_value_the_last_counts(
    tmp_path,
):
    told = "is given twice; give it once, with commas between its values"
    assert_refused(run("--names=a", "-names", "b", program=program), f"names: {told}")
    (tmp_path / "a.flags").write_text("--rounds=7\n")
    file = f"--flagfile={tmp_path}/a.flags"
    wheres = ("--where=a", "--where=b")
    twice = "--rule=median", "--rule=mean"
    done = run(file, "--rounds=8", file, *wheres, *twice, program=program)
    assert (done.returncode, done.stdout) == (0, "7 mean\n")


@pytest.mark.parametrize("name", ["compare", "results"])
def test_a_program_without_presets_says_so(name):
    told = f"preset: jaxfr {name} takes none; give the flags themselves"
    assert_refused(run(name, "--preset=paper"), told)


@pytest.mark.parametrize("name", ["results", "report", "status", "sweep", "submit"])
def test_a_store_that_is_not_named_is_asked_for(name):
    assert_refused(run(name), "store: name the folder")


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_program_that_is_asked_to_end_says_what_is_kept(name, code, tmp_path):
    stopped = run(
        f"--signal={signal.Signals[name].value}", program=program, TMPDIR=str(tmp_path)
    )
    assert (stopped.returncode, stopped.stdout) == (code, "")
    assert stopped.stderr == (
        f"stopped by {name}: records are kept in a/store; the same command goes on "
        "from there\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_defect_keeps_its_stack_trace():
    failed = run("--failure=defect", program=program)
    assert failed.returncode == 1
    assert "Traceback" in failed.stderr


def test_flags_of_files_and_presets_stand_where_these_are_named(tmp_path):
    """Also those that they name, behind a byte order mark, or with a space."""
    inner, outer = tmp_path / "inner.flags", tmp_path / "outer.flags"
    inner.write_text("# Settings\n--rule=median\n--preset=main\n", "utf-8-sig")
    outer.write_text(f"--flagfile={inner}\n--rounds=7", "utf-8-sig")
    main = ["--dataset=ml-100k", "--attack=spattack_o_d", "--seeds=0"]
    *before, found = expand_flags(["jaxfr", "--seeds=1", "--preset", "main", "--x"])
    assert (before[:2], before[-3:], found) == (["jaxfr", "--seeds=1"], main, "--x")
    paper = before[2:-3]
    assert "--aggregator=mean" in paper
    assert expand_flags(["jaxfr", f"--flagfile={outer}"]) == [
        *("jaxfr", "--rule=median", *paper, *main, "--rounds=7"),
    ]


@pytest.mark.parametrize("preset", sorted({*preset_names()} - {"gpu"}))
def test_every_preset_is_read_by_name_and_flags_behind_it_win(preset):
    """That of a GPU is the benchmark's."""
    assert preset_path(preset).read_text().startswith("# ")
    refused = run("train", f"--preset={preset}", "--save_params=x.npz", "--seeds=0,1")
    assert_refused(refused, "save_params: needs a single attack and a single seed")


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_is_what_a_program_is_an_example_and_its_flags(name):
    told = run(name, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == run(name, "--rounds=x", "-h").stdout
    assert told.stdout.startswith(describe_program(name))
    assert "repeat this option" not in told.stdout
    assert f"\njaxfr {name} " in describe_program(name)
    takes_presets = name in ("train", "sweep", "submit", "benchmark")
    assert told.stdout.count("  --preset: ") == takes_presets
    # Each group has an example, which the program takes.
    groups = re.findall(r"^\w.*:$", told.stdout, re.MULTILINE)
    examples = re.findall(r"^  as in: jaxfr (\w+) (.*)$", told.stdout, re.MULTILINE)
    assert bool(groups) == (name != "completion")
    assert len(examples) == len(groups)
    assert {program for program, _ in examples} <= {name}
    words = [one for _, example in examples for one in example.split()]
    flagged = [word for word in words if word.startswith("--")]
    parsed = run(name, *flagged, program=parse)
    assert (parsed.returncode, parsed.stdout) == (0, "parsed\n"), parsed.stderr


def test_every_option_of_a_run_has_a_group():
    grouped = [name for group in GROUPS.values() for name in sorted(group.names)]
    assert len(set(grouped)) == len(grouped)
    assert {*RUN_OPTIONS, "seeds"} <= set(grouped)


def test_jaxfr_alone_says_which_programs_there_are():
    told = run()
    assert (told.returncode, told.stderr) == (0, "")
    for name in PROGRAMS:
        assert f"jaxfr {name} " in told.stdout
        assert describe_program(name).splitlines()[0] in told.stdout
    assert run("--help").stdout == run("help").stdout == told.stdout
    assert run("help", "status").stdout == run("status", "--help").stdout
    assert_refused(run("help", "tran"), "error: tran: no program; did you mean train?")
    for words in (["--version"], ["train", "--version"]):
        assert run(*words).stdout == f"jaxfr {package.__version__}\n"
    assert_refused(run("x"), "error: x: no program; there are train, compare, sweep")

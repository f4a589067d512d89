"""What every program does the same way: flags, presets, errors, exit codes."""

import functools
import itertools
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from absl import app, flags

from jaxfr.errors import InvalidInputError, nearest
from jaxfr.presets import preset_path
from jaxfr.programs.help import help_text
from jaxfr.stopping import Stopped, describe, leave, stoppable
from jaxfr.terminal import forgiving_streams, note

# What shells and argument parsers use for a wrong command line.
EXIT_CODE = 2

_BYTE_ORDER_MARK = "\ufeff"

_PRESET = re.compile(r"--?preset(?:=(.*))?$")
# What is called by several words: here, in other programs of ours, and elsewhere.
_SAME = (
    {"aggregator", "aggregators", "defense", "defenses", "rule"},
    {"attack", "attacks"},
    {"learning_rate", "lr", "eta"},
    {"rounds", "epochs", "num_rounds"},
    {"seeds", "seed"},
)
# What separates the values of a flag that takes several.
_BETWEEN = {",": "commas", ";": "semicolons"}

HELP_FLAGS = frozenset(("-h", "-help", "--help", "-?", "--?"))
# Those of absl itself, for all flags of all modules.
_ALL_FLAGS = frozenset(("-helpfull", "--helpfull", "-helpxml", "--helpxml"))


# Replaced by the flag file before flags are parsed; defined for --help.
flags.DEFINE_string(
    "preset",
    None,
    "Flags of a known experiment, by name; jaxfr list presets. What stands behind it "
    "goes first.",
)


@forgiving_streams()
def run_program(main: Callable[..., None], most_words: int = 0) -> NoReturn:
    """Parses the flags, runs a program, and exits.

    The program reads its flags itself, and is called with the words that are no flags,
    of which it takes ``most_words``. A wrong flag, file or value, which is an
    ``InvalidInputError`` or an error of absl's flags, ends with one line on the
    standard error and exit code 2. So does a signal that asks for an end, such as
    Ctrl-C, with the exit code that shells give it (130); what was begun is cleaned up
    first. Any other exception is a defect and keeps its stack trace. What becomes of
    the standard output ends no program, see ``jaxfr/terminal.py``.
    """
    # absl shows all messages of JAX and matplotlib, such as that fonts were found.
    for name in ("jax", "matplotlib"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # That a GPU may be present which this JAX cannot use says the device in a record.
    logging.getLogger("jax._src.xla_bridge").setLevel(logging.ERROR)
    if HELP_FLAGS.intersection(sys.argv[1:]):
        print(_help(main), end="")
        sys.exit(0)
    try:
        with stoppable():
            parse = functools.partial(_parse_flags, main, most_words)
            app.run(lambda words: main(*words[1:]), flags_parser=parse)
    except Stopped as stopped:
        _leave(describe(stopped), stopped.exit_code)
    except SystemExit as ended:
        # absl ends --help with 1, as if it were a mistake.
        asked_for_help = _ALL_FLAGS.intersection(sys.argv[1:])
        sys.exit(0 if asked_for_help else ended.code)
    except (InvalidInputError, flags.Error) as error:
        line = f"error: {' '.join(str(error).split())}"
        if _among_others():
            _leave(line, EXIT_CODE)
        note(line)
        sys.exit(EXIT_CODE)
    except Exception as error:
        if not _among_others():
            raise
        _leave_others(error)
    sys.exit(0)


def _help(main: Callable[..., None]) -> str:
    """What a program is and takes, by the module of its main function."""
    module, (title, own) = sys.modules[main.__module__], _title_and_flags(main)
    return help_text(title, module.__doc__ or "", getattr(module, "EXAMPLE", ""), own)


def _title_and_flags(main: Callable[..., None]) -> tuple[str, list[flags.Flag]]:
    """What a program is called, and its own flags."""
    module, title, name = sys.modules[main.__module__], sys.argv[0], main.__module__
    if module.__spec__ is not None and name == "__main__":
        title = f"python -m {module.__spec__.name}"
        name = sys.argv[0]  # as absl calls a module that is started by itself
    return title, flags.FLAGS.get_key_flags_for_module(name)


def _among_others() -> bool:
    """Whether this process works together with others."""
    jax = sys.modules.get("jax")
    return jax is not None and jax.distributed.is_initialized()


def _leave(line: str, code: int) -> NoReturn:
    """Ends the process without a wait for others, which hear of its end."""
    if _among_others():
        from jaxfr.processes import leave_together

        leave_together(line, code)
    leave(line, code)


def _leave_others(error: Exception) -> NoReturn:
    """Ends the process after a defect, or after the end of another process."""
    from jaxfr.processes import end_of_others, has_lost_others

    if has_lost_others(error):
        _leave(f"error: {end_of_others() or 'another process is gone'}", 1)
    traceback.print_exception(error)
    _leave(f"error: {type(error).__name__}", 1)


def _parse_flags(
    main: Callable[..., None], most_words: int, arguments: Sequence[str]
) -> list[str]:
    """Parses flags like absl's own parser, but leaves its errors to the caller."""
    _refuse_twice(arguments[1:])
    title, own = _title_and_flags(main)
    if any(map(_PRESET.match, arguments)) and flags.FLAGS["preset"] not in own:
        raise InvalidInputError(
            f"preset: {title} takes none; give the flags themselves, see {title} --help"
        )
    try:
        remaining = flags.FLAGS(expand_flags(list(arguments)))
    except flags.UnrecognizedFlagError as error:
        from jaxfr.texts import place_of_option

        name = error.flagname  # by seed, seeds was rather meant than that of data
        told = None if f"{name}s" in flags.FLAGS else place_of_option(name)
        raise InvalidInputError(told or _no_flag(name, title, own)) from None
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"flagfile: is no text in UTF-8 ({error})") from None
    if len(remaining) > 1 + most_words:
        raise InvalidInputError(
            f"unexpected argument {remaining[1 + most_words]!r}; options are flags, "
            "--name=value"
        )
    return remaining


def _no_flag(name: str, title: str, own: Iterable[flags.Flag]) -> str:
    """Says which flag may have been meant, and which program has one of the name."""
    names = [flag.name for flag in own]
    words: set[str] = set().union(*(one for one in _SAME if name in one))
    meant = [one for one in names if one in words]
    near = f"; did you mean {meant[0]}?" if meant else nearest(name, names)
    if not near:
        from jaxfr.programs.completion import programs_with

        others = [f"jaxfr {one}" for one in programs_with(name)]
        near = f", but of {', '.join(others)}" if others else ""
    return f"{name}: is no flag of {title}{near or f'; see {title} --help'}"


def _refuse_twice(arguments: Sequence[str]) -> None:
    """Refuses a flag of several values that is typed twice: some would be lost.

    Of a flag of one value the last goes first, so that an alias can be overridden.
    """
    typed = set()
    for argument in itertools.takewhile("--".__ne__, arguments):
        name = argument.lstrip("-").partition("=")[0]
        if not argument.startswith("-") or name not in flags.FLAGS:
            continue
        parser = flags.FLAGS[name].parser
        several = isinstance(parser, flags.ListParser) or name == "seeds"
        separator = getattr(parser, "separator", "," * several)
        if name in typed and separator:
            raise InvalidInputError(
                f"{name}: is given twice; give it once, with {_BETWEEN[separator]} "
                "between its values"
            )
        typed.add(name)


def expand_flags(arguments: list[str]) -> list[str]:
    """Arguments with those of flag files and presets in their place.

    What some editors put before a file's first line is left out.
    """
    while True:
        read = flags.FLAGS.read_flags_from_files(_with_preset_files(arguments))
        arguments = list(filter(None, map(_without_byte_order_mark, read)))
        if arguments == read and not any(map(_PRESET.match, arguments)):
            return arguments


def _with_preset_files(arguments: list[str]) -> list[str]:
    found, rest = [], iter(arguments)
    for argument in rest:
        preset = _PRESET.match(argument)
        if preset:
            name = next(rest, "") if preset[1] is None else preset[1]
            argument = f"--flagfile={preset_path(name)}"
        found.append(argument)
    return found


def _without_byte_order_mark(argument: str) -> str:
    """A line of a flag file; the first may be a comment behind the mark."""
    line = argument.removeprefix(_BYTE_ORDER_MARK)
    if line != argument and line.startswith(("#", "//")):
        return ""
    return line

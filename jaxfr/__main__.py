"""The command ``jaxfr``: starts the program that its first word names.

jaxfr train --preset=main --output_dir=runs/main
"""

import importlib
import sys
from typing import NoReturn

from absl import flags

import jaxfr
from jaxfr.errors import nearest
from jaxfr.programs import PROGRAMS, describe_program
from jaxfr.programs.program import EXIT_CODE, HELP_FLAGS, run_program
from jaxfr.terminal import note


def main() -> NoReturn:
    """Starts a program; without a word, says which there are."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in HELP_FLAGS:
        print(overview())
        sys.exit(0)
    if name == "--version":
        print(f"jaxfr {jaxfr.__version__}")
        sys.exit(0)
    if name not in PROGRAMS:
        known = ", ".join(PROGRAMS)
        note(f"error: {name}: no program; there are {known}{nearest(name, PROGRAMS)}")
        sys.exit(EXIT_CODE)
    program = importlib.import_module(f"jaxfr.programs.{name}")
    # What absl prints for --help is that of the main module.
    sys.argv = [f"jaxfr {name}", *arguments]
    sys.modules["__main__"].__doc__ = program.__doc__
    for flag in flags.FLAGS.get_key_flags_for_module(program.__name__):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    run_program(program.main, getattr(program, "MOST_WORDS", 0))


def overview() -> str:
    """All programs, a line each."""
    width = max(map(len, PROGRAMS))
    lines = [
        f"  jaxfr {name:<{width}}  {describe_program(name).splitlines()[0]}"
        for name in PROGRAMS
    ]
    return "\n".join(
        [
            "Byzantine attacks on federated recommendation, simulated in JAX.",
            "",
            *lines,
            "",
            "jaxfr PROGRAM --help says what it takes.",
        ]
    )


if __name__ == "__main__":
    main()

"""The command ``jaxfr``: starts the program that its first word names.

jaxfr train --preset=main --output_dir=runs/main
"""

import importlib
import sys
from typing import NoReturn

import jaxfr
from jaxfr.errors import nearest
from jaxfr.programs import PROGRAMS, describe_program
from jaxfr.programs.program import EXIT_CODE, HELP_FLAGS, run_program
from jaxfr.terminal import note


def main() -> NoReturn:
    """Starts a program; without a word, says which there are."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name == "help":
        name, *arguments = [*arguments[:1], "--help"]
    if name in HELP_FLAGS:
        print(overview())
        sys.exit(0)
    if "--version" in sys.argv[1:]:
        print(f"jaxfr {jaxfr.__version__}")
        sys.exit(0)
    if name not in PROGRAMS:
        known = f"; there are {', '.join(PROGRAMS)}"
        note(f"error: {name}: no program{nearest(name, PROGRAMS) or known}")
        sys.exit(EXIT_CODE)
    program = importlib.import_module(f"jaxfr.programs.{name}")
    sys.argv = [f"jaxfr {name}", *arguments]
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
            "jaxfr PROGRAM --help (or -h) says what it takes, jaxfr --version which "
            "version this is.",
        ]
    )


if __name__ == "__main__":
    main()

"""Programs that run in processes of their own, beside the test."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import jaxfr

_PARENT = pathlib.Path(jaxfr.__file__).parents[1]
# Lets a program import jaxfr's modules, and not all that the packages name.
_LEAN = f"""
import sys, types
for name in ("jaxfr", "jaxfr.store"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [f"{_PARENT}/{{name.replace('.', '/')}}"]
"""


@contextlib.contextmanager
def process(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Starts a program that a test talks to; it does not outlive the test."""
    with subprocess.Popen(
        [sys.executable, "-c", _LEAN + program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            if started.poll() is None:
                # (SIGKILL also ends what SIGSTOP holds.)
                os.kill(started.pid, signal.SIGKILL)


def next_line(started: subprocess.Popen[str]) -> str:
    """Waits for what a program prints next; empty if it ended."""
    assert started.stdout is not None
    return started.stdout.readline().rstrip("\n")


def let_go(started: subprocess.Popen[str]) -> None:
    """Sends an end of line to a program that waits for one."""
    assert started.stdin is not None
    started.stdin.write("\n")
    started.stdin.flush()


def stop(started: subprocess.Popen[str]) -> None:
    """Holds a program where it is, as a terminal does; SIGCONT lets it go on."""
    os.kill(started.pid, signal.SIGSTOP)
    os.waitpid(started.pid, os.WUNTRACED)

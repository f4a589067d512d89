"""Programs that run in processes of their own, beside the test."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def process(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Starts a program that a test talks to; it does not outlive the test."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
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


def output_of(program: str, *arguments: object) -> str:
    """What a program prints, which is to succeed and to complain of nothing."""
    with process(program, *arguments) as started:
        output, complaints = started.communicate(timeout=60)
    assert (started.returncode, complaints) == (0, "")
    return output

"""Starting programs as a user does, in processes of their own."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
# Runs so small that a program spends its time on starting and compiling.
TINY = (
    "--dataset=synthetic:num_users=40:num_items=300:num_pairs=600",
    "--rounds=6",
    "--eval_every=3",
    "--model=fedmf:4",
    "--malicious_ratio=0.1",
)


def start_python(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Starts Python in the checkout, with some variables of the environment set."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def wait(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Waits for a program to end."""
    output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in the checkout to its end."""
    return wait(start_python(*arguments, **environment))

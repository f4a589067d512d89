import json
import math
import os
import pathlib
import subprocess
import sys
import zlib

import pytest

from jaxfr import compilation_cache
from jaxfr.compilation_cache import (
    MachineFacts,
    drop_oldest_entries,
    folder_name,
    machine_facts,
    remove_damaged_entries,
)

ROOT = pathlib.Path(__file__).parents[1]
FACTS = MachineFacts(
    jax="0.10.2",
    jaxlib="0.10.2",
    python="CPython.3.11",
    system="Linux-x86_64",
    platform="cpu",
    plugins=(),
    threads=8,
    cpu=("flags : fpu avx2", "model name : Some CPU @ 3.00GHz"),
    accelerators=(),
)
# Prints a result, the number of devices, and what the cache was good for.
PROGRAM = """
import jax
import jax.numpy as jnp
from jaxfr.compilation_cache import enable_compilation_cache
from jaxfr.programs.execution_flags import COMPILATION_CACHE_DIR
from jaxfr.programs.program import run_program

events = []
jax.monitoring.register_event_listener(lambda event, **_: events.append(event))

def main():
    enable_compilation_cache(COMPILATION_CACHE_DIR.value)
    # Only possible as long as no backend is started.
    jax.config.update("jax_num_cpu_devices", 2)
    result = float(jax.jit(lambda x: jnp.sin(x) @ x)(jnp.arange(3.0)))
    hits = events.count("/jax/compilation_cache/cache_hits")
    misses = events.count("/jax/compilation_cache/cache_misses")
    print(result, len(jax.devices()), hits > 0, misses > 0)

run_program(main)
"""
RESULT = math.sin(1) + 2 * math.sin(2)


def start(*arguments: str, **environment: str) -> tuple[list[str], str]:
    """Runs a program; returns the words that it printed, and its standard error."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JAX_", "JAXFR_"))
    }
    smallest = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    finished = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**inherited, **smallest, "JAX_PLATFORMS": "cpu", **environment},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.split(), finished.stderr


def run(*arguments: str, **environment: str) -> tuple[str, str, str]:
    """Runs ``PROGRAM``; returns whether it found and wrote entries, and its errors."""
    words, errors = start("-c", PROGRAM, *arguments, **environment)
    assert float(words[0]) == pytest.approx(RESULT, rel=1e-6)
    assert words[1] == "2"
    return words[2], words[3], errors


def entries(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.rglob("*-cache"))


@pytest.mark.parametrize(
    "changed",
    [
        {"jax": "0.10.3"},
        {"jaxlib": "0.10.3"},
        {"python": "CPython.3.14"},
        {"system": "Darwin-arm64"},
        {"platform": "cuda"},
        {"plugins": ("xla_cuda12 0.10.2",)},
        {"threads": 2},
        {"cpu": ("flags : fpu avx2 avx512f", "model name : Some CPU @ 3.00GHz")},
        {"accelerators": ("Model: NVIDIA H100",)},
    ],
)
def test_every_fact_gives_another_folder(changed):
    assert folder_name(FACTS._replace(**changed)) != folder_name(FACTS)


def test_a_folders_name_can_be_read_and_is_the_same_for_equal_facts():
    name = folder_name(FACTS)
    assert name == folder_name(FACTS._replace())
    assert name.startswith("jax-0.10.2-jaxlib-0.10.2-cpu-Some-CPU-3.00GHz-8-threads-")
    assert pathlib.PurePath(name).name == name


def test_the_cpu_is_described_by_its_flags_and_not_by_its_load(tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(compilation_cache, "_CPU_INFORMATION", file)
    file.write_text("processor: 0\ncpu MHz : 900\nmodel\t: 17\nflags\t: avx  avx2\n")
    assert machine_facts().cpu == ("flags : avx avx2", "model : 17")
    file.write_text("processor: 0\nFeatures\t: fp asimd\nCPU part : 0xd0c\n")
    assert machine_facts().cpu == ("CPU part : 0xd0c", "Features : fp asimd")


def test_a_cpu_that_cannot_be_told_shares_with_no_other_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(compilation_cache, "_CPU_INFORMATION", tmp_path / "missing")
    monkeypatch.setattr("platform.node", lambda: "this-very-machine")
    assert "this-very-machine" in machine_facts().cpu


def test_the_threads_are_those_that_xla_counts(monkeypatch):
    monkeypatch.delenv("PJRT_NPROC", raising=False)
    monkeypatch.setenv("NPROC", "3")
    assert machine_facts().threads == 3
    monkeypatch.setenv("PJRT_NPROC", "5")
    assert machine_facts().threads == 5


def test_entries_that_were_unused_for_longest_go_first(tmp_path):
    for age, name in enumerate(["jax-new/a", "jax-old/b", "jax-old/c", "mine/d"]):
        path = tmp_path / f"{name}-cache"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
        os.utime(path, (1e9 - age, 1e9 - age))
    drop_oldest_entries(tmp_path, 200)
    assert [path.name for path in entries(tmp_path)] == [
        "a-cache",
        "b-cache",
        "d-cache",
    ]


def test_a_second_start_finds_what_the_first_compiled_wherever_the_folder_lies(
    tmp_path,
):
    first, second = tmp_path / "first", tmp_path / "second"
    assert run(f"--compilation_cache_dir={first}") == ("False", "True", "")
    [folder] = first.iterdir()
    assert folder.name.startswith("jax-")
    first.rename(second)
    assert run(f"--compilation_cache_dir={second}") == ("True", "False", "")


def test_the_cache_is_on_by_default_and_can_be_turned_off(tmp_path):
    assert run("--compilation_cache_dir=none", JAXFR_CACHE_DIR=str(tmp_path)) == (
        *("False", "False"),
        "",
    )
    assert run("--compilation_cache_dir=", JAXFR_CACHE_DIR=str(tmp_path))[1] == "False"
    assert not entries(tmp_path)
    assert run(JAXFR_CACHE_DIR=str(tmp_path)) == ("False", "True", "")
    assert entries(tmp_path / "compiled")


def test_a_folder_that_the_user_named_to_jax_is_used_as_it_is(tmp_path):
    named, own = tmp_path / "named", tmp_path / "own"
    run(JAX_COMPILATION_CACHE_DIR=str(named), JAXFR_CACHE_DIR=str(own))
    assert list(named.glob("*-cache"))
    assert not own.exists()


def test_a_folder_that_cannot_be_written_is_one_line_and_no_cache(tmp_path):
    (tmp_path / "file").touch()
    found, written, errors = run(f"--compilation_cache_dir={tmp_path / 'file' / 'x'}")
    assert (found, written) == ("False", "False")
    assert errors.startswith("jaxfr: no compilation cache (")
    assert str(tmp_path / "file" / "x") in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("damage", ["empty", "truncated", "garbled"])
def test_damaged_entries_are_compiled_anew_once(damage, tmp_path):
    flag = f"--compilation_cache_dir={tmp_path}"
    run(flag)
    for path in entries(tmp_path):
        content = path.read_bytes()
        half = len(content) // 2
        garbled = content[:half] + bytes(64) + content[half + 64 :]
        damaged = {"empty": b"", "truncated": content[:half], "garbled": garbled}
        path.write_bytes(damaged[damage])
    found, written, errors = run(flag)
    assert (found, written) == ("False", "True")
    assert "a damaged program was removed" in errors
    # A line for each small program, as all are kept here.
    assert all(line.startswith("jaxfr: ") for line in errors.splitlines())
    found, _, errors = run(flag)
    assert (found, errors) == ("True", "")


def test_entries_that_unpack_and_those_of_other_functions_stay(tmp_path):
    intact, other = tmp_path / "jit_a-1-cache", tmp_path / "jit_ab-1-cache"
    intact.write_bytes(zlib.compress(b"program"))
    other.write_bytes(b"damaged")
    (tmp_path / "jit_a-2-cache").write_bytes(b"damaged")
    assert remove_damaged_entries(tmp_path, "jit_a") == 1
    assert sorted(tmp_path.iterdir()) == [intact, other]


def test_a_training_run_from_the_cache_gives_the_same_record(tmp_path):
    def train(name: str) -> dict:
        start(
            *("-m", "jaxfr", "train", "--dataset=synthetic", "--rounds=2"),
            "--synthetic=num_users=40,num_items=300,num_pairs=600",
            *("--model=fedmf:4", f"--compilation_cache_dir={tmp_path / 'compiled'}"),
            f"--output_dir={tmp_path / name}",
        )
        [line] = (tmp_path / name / "results.jsonl").read_text().splitlines()
        return {**json.loads(line), "seconds": None, "finished": None}

    first = train("first")
    written = entries(tmp_path)
    assert any(path.name.startswith("jit_train_many-") for path in written)
    assert train("second") == first
    assert entries(tmp_path) == written

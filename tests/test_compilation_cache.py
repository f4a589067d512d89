"""Programs that are compiled once: where they lie, and what becomes of bad ones."""

import math
import os
import pathlib
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.compilation_cache import compilation_cache as jax_cache

import jaxfr as fr
from jaxfr import compilation_cache
from jaxfr.compilation_cache import (
    cache_off,
    describe_cpu,
    drop_oldest_entries,
    enable_compilation_cache,
    machine_folder,
)

OPTIONS = (
    *("jax_enable_compilation_cache", "jax_compilation_cache_dir"),
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_enable_xla_caches",
)
CPU = "processor: 0\ncpu MHz : 900\nmodel name\t: A CPU\nflags\t: fpu  avx2\n"


@pytest.fixture
def start(monkeypatch) -> Iterator[Callable[..., Counter[str]]]:
    """Compiles a function as a new process would; counts what JAX found and wrote."""
    before = {name: jax.config.values[name] for name in OPTIONS}
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    events: list[str] = []
    jax.monitoring.register_event_listener(lambda event, **_: events.append(event))

    def run(
        folder: pathlib.Path | str | None = None, named: str | None = None
    ) -> Counter[str]:
        jax_cache.reset_cache()
        jax.config.update("jax_enable_compilation_cache", True)
        jax.config.update("jax_compilation_cache_dir", named)
        jax.config.update(OPTIONS[2], 0)
        enable_compilation_cache(None if folder is None else str(folder))
        events.clear()
        found = jax.jit(lambda x: jnp.sin(x) @ x)(jnp.arange(3.0))
        assert float(found) == pytest.approx(math.sin(1) + 2 * math.sin(2), rel=1e-6)
        return Counter(e.rpartition("/")[2] for e in events if "cache_" in e)

    with warnings.catch_warnings():
        yield run
    for name, value in before.items():
        jax.config.update(name, value)
    jax_cache.reset_cache()


def entries(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.rglob("*-cache"))


def test_every_machine_has_a_folder_of_its_own(tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    file.write_text(CPU)
    monkeypatch.setattr(compilation_cache, "_CPU_INFORMATION", file)
    for name in ("PJRT_NPROC", "NPROC"):
        monkeypatch.delenv(name, raising=False)
    names = [machine_folder()]
    file.write_text(CPU.replace("900", "2100").replace("processor: 0", "processor: 1"))
    assert machine_folder() == names[0]  # its load and its number of cores say nothing
    for change in (
        lambda: file.write_text(CPU.replace("avx2", "avx2 avx512f")),
        lambda: file.write_text(CPU.replace("A CPU", "Another")),
        lambda: monkeypatch.setenv("NPROC", "77"),
        lambda: monkeypatch.setenv("PJRT_NPROC", "78"),  # which comes first
        lambda: monkeypatch.setattr("platform.machine", lambda: "riscv"),
        lambda: monkeypatch.setattr(
            "platform.python_version_tuple", lambda: ("3", "99", "0")
        ),
        lambda: file.unlink(),
        lambda: monkeypatch.setattr("platform.node", lambda: "another-machine"),
    ):
        change()
        names.append(machine_folder())
        assert pathlib.PurePath(names[-1]).name == names[-1]
    assert len(set(names)) == len(names)
    assert names[0].startswith("jax-A-CPU-")
    assert "-77-threads-" in names[3]
    assert "-78-threads-" in names[4]


def test_a_cpu_is_described_by_its_features(tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(compilation_cache, "_CPU_INFORMATION", file)
    file.write_text("processor: 0\nFeatures\t: fp asimd\nCPU part\t: 0xd0c\n")
    assert describe_cpu() == ("CPU part : 0xd0c", "Features : fp asimd")


def test_entries_that_were_unused_for_longest_go_first(tmp_path):
    for age, name in enumerate(["jax-new/a", "jax-old/b", "jax-old/c", "mine/d"]):
        path = tmp_path / f"{name}-cache"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
        os.utime(path, (1e9 - age, 1e9 - age))
    drop_oldest_entries(tmp_path, 200)
    assert [path.name[0] for path in entries(tmp_path)] == ["a", "b", "d"]


def test_a_second_start_finds_what_the_first_compiled_wherever_it_lies(tmp_path, start):
    first, second = tmp_path / "first", tmp_path / "second"
    found = start(first)
    assert found["cache_misses"] > 0 == found["cache_hits"]
    assert [folder.name for folder in first.iterdir()] == [machine_folder()]
    first.rename(second)
    found = start(second)
    assert found["cache_hits"] > 0 == found["cache_misses"]


def test_the_cache_is_on_by_default_and_can_be_turned_off(tmp_path, start, monkeypatch):
    monkeypatch.setenv("JAXFR_CACHE_DIR", str(tmp_path))
    for off in ("none", "", " None "):
        assert start(off).total() == 0
    assert entries(tmp_path) == []
    start(named=str(tmp_path / "named"))  # to JAX: used as it is
    assert [path.parent for path in entries(tmp_path)[:1]] == [tmp_path / "named"]
    assert not (tmp_path / "compiled").exists()
    start()
    assert entries(tmp_path / "compiled")


def test_a_folder_that_cannot_be_written_is_one_line_and_no_cache(
    tmp_path, start, capsys
):
    (tmp_path / "file").touch()
    assert start(tmp_path / "file" / "x").total() == 0
    told = capsys.readouterr().err
    assert told.startswith("jaxfr: no compilation cache (")
    assert str(tmp_path / "file" / "x") in told
    assert told.count("\n") == 1


def test_damaged_entries_are_compiled_anew_once(tmp_path, start, capsys):
    start(tmp_path)
    other = entries(tmp_path)[0].with_name("jit_other-1-cache")
    other.write_bytes(b"of another function")
    for damage in (
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:50] + bytes(64) + content[114:],
    ):
        for path in set(entries(tmp_path)) - {other}:
            path.write_bytes(damage(path.read_bytes()))
        found = start(tmp_path)
        assert found["cache_misses"] > 0 == found["cache_hits"]
        told = capsys.readouterr().err.splitlines()
        assert told
        assert all("a damaged program was removed" in line for line in told)
        assert start(tmp_path)["cache_hits"] > 0
        assert capsys.readouterr().err == ""
    assert other.exists()


def test_other_warnings_are_shown(tmp_path, start):
    start(tmp_path)
    with pytest.warns(UserWarning, match="something else"):
        warnings.warn("something else", stacklevel=1)


def test_devices_may_be_chosen_after_the_cache(tmp_path):
    program = (
        "import sys, jax; from jaxfr.compilation_cache import *\n"
        "assert enable_compilation_cache(sys.argv[1])\n"
        "jax.config.update('jax_num_cpu_devices', 3); print(len(jax.devices()))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    finished = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (finished.stdout, finished.stderr) == ("3\n", "")


def test_a_run_from_the_cache_gives_the_same_record(tmp_path, start):
    data = fr.synthetic_dataset(num_users=40, num_items=300, num_pairs=600)
    experiment = fr.Experiment(model=fr.models.fedmf(4), num_candidates=9)
    records, written = [], []
    for _ in range(2):
        start(tmp_path)
        (record,) = fr.sweep([experiment], data, rounds=2)
        records.append({**record, "seconds": None, "finished": None})
        written.append({p for p in entries(tmp_path) if "_many-" in p.name})
    assert records[0] == records[1]
    assert any("jit_train_many-" in path.name for path in written[0])
    assert written[0] == written[1]


@pytest.mark.parametrize("on", [True, False])
def test_the_cache_stays_off_until_the_last_has_compiled_without_it(on):
    setting = "jax_enable_compilation_cache"
    before = jax.config.values[setting]
    jax.config.update(setting, on)
    first, second = cache_off(), cache_off()
    seen = []
    for change in (first.__enter__, second.__enter__):
        change()
        seen.append(jax.config.values[setting])
    for leave in (first, second):  # in the order in which they came
        leave.__exit__(None, None, None)
        seen.append(jax.config.values[setting])
    jax.config.update(setting, before)
    assert seen == [False, False, False, on]

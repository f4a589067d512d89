"""What a process may still take, on machines as Linux shows them."""

import pathlib

import pytest

from jaxfr.training.memory import available_memory

GB = 10**9
V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@pytest.fixture
def proc(tmp_path) -> pathlib.Path:
    """Of a machine on which 16 GB are free."""
    (tmp_path / "proc/self").mkdir(parents=True)
    free = f"MemTotal: 9 kB\nMemAvailable:  {16 * GB // 1024} kB\n"
    (tmp_path / "proc/meminfo").write_text(free)
    return tmp_path / "proc"


def limit(
    folder: pathlib.Path, names: tuple[str, ...], most: object, used: int, cached: int
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{most}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {cached}\n")


def test_this_machine_has_some_memory():
    available = available_memory()
    assert available is not None
    assert available > 10**7


def test_without_groups_all_that_the_machine_has_free_counts(proc, tmp_path):
    assert available_memory(proc, tmp_path) == 16 * GB // 1024 * 1024


def test_a_containers_limit_counts_where_it_is_smaller(proc, tmp_path):
    (proc / "self/cgroup").write_text("0::/\n")
    limit(tmp_path, V2, 4 * GB, 3 * GB, cached=GB)
    assert available_memory(proc, tmp_path) == 2 * GB
    limit(tmp_path, V2, 400 * GB, 3 * GB, cached=GB)
    assert available_memory(proc, tmp_path) == 16 * GB // 1024 * 1024


@pytest.mark.parametrize("inside", ["max", 8 * GB])
def test_the_groups_around_a_group_bind_it(proc, tmp_path, inside):
    (proc / "self/cgroup").write_text("0::/job/step\n")
    limit(tmp_path / "job/step", V2, inside, GB, cached=0)
    limit(tmp_path / "job", V2, 3 * GB, 2 * GB, cached=0)
    assert available_memory(proc, tmp_path) == GB


@pytest.mark.parametrize("seen", ["job", ""])
def test_limits_of_the_first_version_count_too(proc, tmp_path, seen):
    """In a container its own group may stand at the root, whatever its path says."""
    (proc / "self/cgroup").write_text("5:cpu:/\n4:cpuacct,memory:/job\n0::/\n")
    limit(tmp_path / "memory" / seen, V1, 3 * GB, 2 * GB, cached=GB // 2)
    assert available_memory(proc, tmp_path) == 3 * GB // 2


def test_more_than_the_limit_leaves_nothing(proc, tmp_path):
    (proc / "self/cgroup").write_text("0::/\n")
    limit(tmp_path, V2, GB, 2 * GB, cached=0)
    assert available_memory(proc, tmp_path) == 0

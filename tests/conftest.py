"""How all tests run: compiled in haste and once, on four devices of one CPU.

Most of a test's time is XLA's, and most programs run once: so they are optimised
little, by the code generator that is the fastest itself, and kept for the other
worker and for the next time.
"""

import importlib.util
import os
import pathlib
from collections.abc import Iterator
from importlib.metadata import version

# Of JAX in this process, and in those that tests start; before JAX is imported. From
# 0.11 on jaxlib has one code generator, and ends where it is told of the other.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_cpu_parallel_codegen_split_count=1"
    + " --xla_cpu_use_fusion_emitters=false"
    * (tuple(map(int, version("jaxlib").split(".")[:2])) < (0, 11)),
)
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import jax
import pytest
from hypothesis import settings

# What signatures say of shapes is checked in each call, where it can be.
if importlib.util.find_spec("jaxtyping") and importlib.util.find_spec("beartype"):
    importlib.import_module("tests.type_checks")
    importlib.import_module("jaxtyping").install_import_hook(
        [f"jaxfr.{name}" for name in ("attacks", "clients", "evaluation", "models")]
        + ["jaxfr.sampling", "jaxfr.uploads"],
        "tests.type_checks.checked",
    )

# Whatever is not spread runs on the first, as it would without the others.
jax.config.update("jax_num_cpu_devices", 4)

# How long an example takes says something of the machine only.
settings.register_profile("jaxfr", deadline=None)
settings.load_profile("jaxfr")

# Linux lets a process map memory in 65,530 pieces, and a compiled program takes some: a
# process that compiles for thousands of tests comes to that end.
_MOST_PIECES = 20_000
_PIECES = pathlib.Path("/proc/self/maps")


def pytest_configure() -> None:
    """Keeps what is compiled here, the smallest piece, too: there are thousands."""
    from jaxfr.compilation_cache import enable_compilation_cache

    folder = pathlib.Path(__file__).parents[1] / ".pytest_cache" / "compiled"
    enable_compilation_cache(str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


@pytest.fixture(autouse=True, scope="session")
def _one_cache_of_compiled_programs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """For all programs that tests start, whichever worker they are of."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder / "compiled")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.2"


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_programs() -> Iterator[None]:
    """Lets go of compiled programs, between modules, where they are many."""
    yield
    if _PIECES.exists() and _PIECES.read_bytes().count(b"\n") > _MOST_PIECES:
        jax.clear_caches()

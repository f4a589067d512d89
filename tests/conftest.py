"""Four devices on one CPU, for runs that are spread; has to be said before JAX starts.

Whatever is not spread runs on the first of them, as it would without the others.
"""

import importlib.util
import os
import pathlib
from collections.abc import Iterator

import jax
import pytest
from hypothesis import settings

# What signatures say of shapes is checked in each call, where it can be.
if importlib.util.find_spec("jaxtyping") and importlib.util.find_spec("beartype"):
    importlib.import_module("jaxtyping").install_import_hook(
        ["jaxfr.attacks", "jaxfr.models", "jaxfr.uploads"], "beartype.beartype"
    )

jax.config.update("jax_num_cpu_devices", 4)

# How long an example takes says something of the machine only.
settings.register_profile("jaxfr", deadline=None)
settings.load_profile("jaxfr")

# Linux lets a process map memory in 65,530 pieces, and a compiled program takes some: a
# process that compiles for thousands of tests comes to that end.
_MOST_PIECES = 20_000
_PIECES = pathlib.Path("/proc/self/maps")


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

"""Four devices on one CPU, for runs that are spread; has to be said before JAX starts.

Whatever is not spread runs on the first of them, as it would without the others.
"""

import pathlib
from collections.abc import Iterator

import jax
import pytest
from hypothesis import settings

jax.config.update("jax_num_cpu_devices", 4)

# How long an example takes says something of the machine only.
settings.register_profile("jaxfr", deadline=None)
settings.load_profile("jaxfr")

# Linux lets a process map memory in 65,530 pieces, and a compiled program takes some: a
# process that compiles for thousands of tests comes to that end.
_MOST_PIECES = 20_000
_PIECES = pathlib.Path("/proc/self/maps")


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_programs() -> Iterator[None]:
    """Lets go of compiled programs, between modules, where they are many."""
    yield
    if _PIECES.exists() and _PIECES.read_bytes().count(b"\n") > _MOST_PIECES:
        jax.clear_caches()

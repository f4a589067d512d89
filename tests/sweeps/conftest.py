"""Sweeps of tests compile a program once for all tests of a module."""

from collections.abc import Hashable, Iterator
from typing import Any

import jax
import numpy as np
import pytest

from jaxfr.experiment import Experiment
from jaxfr.training.compiled import CompiledRuns, compile_to_fit


def _content(tree: Any) -> Hashable:
    """All that a program's shapes and data are made of."""
    leaves, structure = jax.tree.flatten(tree)
    arrays = map(np.asarray, leaves)
    return structure, *((a.shape, a.dtype.str, a.tobytes()) for a in arrays)


@pytest.fixture(autouse=True, scope="module")
def _compiled_once() -> Iterator[None]:
    compiled: dict[Hashable, CompiledRuns] = {}

    def compile_or_take(
        experiment: Experiment, *arguments: Any, **options: Any
    ) -> CompiledRuns:
        made_for = _content((arguments, options))
        key = jax.tree.structure(experiment), made_for
        if key not in compiled:
            compiled[key] = compile_to_fit(experiment, *arguments, **options)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("jaxfr.sweeps.group.compile_to_fit", compile_or_take)
        patched.setattr("jax.clear_caches", lambda: None)
        yield

"""Which kind of device computes, where the fastest way depends on it."""

import jax


def on_cpu() -> bool:
    """Whether the devices are cores of a CPU, and no accelerators.

    >>> on_cpu() == (jax.default_backend() == "cpu")
    True
    """
    return jax.default_backend() == "cpu"

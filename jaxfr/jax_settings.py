"""JAX's own settings: what a run needs of them, so that its numbers are its own.

The environment or a program's other parts may set them for all of a process. What the
functions of this package can fix for themselves they do (the kind of random key, the
precision of products); the rest is refused here, in one line.
"""

import os
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import jax

from jaxfr.errors import InvalidInputError

# By name: the value that is needed. Most others end in errors inside a run; those of
# the second group change every draw, and those of the third stop a run that diverges.
_NEEDED: Mapping[str, object] = {
    "jax_enable_x64": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_disable_jit": False,
    "jax_threefry_partitionable": True,
    "jax_random_seed_offset": 0,
    "jax_high_dynamic_range_gumbel": False,
    "jax_debug_nans": False,
    "jax_debug_infs": False,
}

# With these XLA takes no number for infinite or nan, so that no upload is dropped.
_FAST_MATH = "xla_(?:cpu|gpu)_enable_fast_(?:math|min_max)"

# A loop over the 32 numbers of a row is one that XLA's CPU compiler unrolls, and then
# makes no vector instructions of.
_EXTRA = "xla_backend_extra_options"
_KEEP_LOOPS = f"--{_EXTRA}=xla_cpu_disable_loop_unrolling"


def keep_loops() -> None:
    """Has XLA leave loops as they are on a CPU; to be called before JAX starts.

    The mean's round takes half the time, no rule's more, and there is less to compile
    (see BUILD_NOTES). What ``XLA_FLAGS`` says of the compiler's extra options, or a
    file that it names, stands.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if _EXTRA not in flags and (flags.startswith("-") or not flags):
        os.environ["XLA_FLAGS"] = f"{flags} {_KEEP_LOOPS}".strip()


def check_jax_settings() -> None:
    """Refuses settings of JAX and XLA with which a run ends in other numbers or errors.

    The device, and with it XLA's choice of instructions, may change last bits; that is
    nobody's mistake, and a record names the device.

    Raises:
        InvalidInputError: names the setting, its value and the one that is needed.
    """
    for name, needed in _NEEDED.items():
        value = getattr(jax.config, name, needed)
        value = getattr(value, "value", value)  # of an enumeration
        if value != needed:
            raise InvalidInputError(
                f"{name.upper()}={value}: a run needs JAX's setting {needed}"
            )
    flags = os.environ.get("XLA_FLAGS", "")
    if flags and not flags.startswith("-") and pathlib.Path(flags).is_file():
        flags = pathlib.Path(flags).read_text(encoding="utf-8", errors="replace")
    for name, value in re.findall(rf"--({_FAST_MATH})(?:=(\w+))?", flags):
        if value.lower() not in ("false", "0"):
            raise InvalidInputError(
                f"XLA_FLAGS=--{name}: a run needs infinite numbers and nan to be told "
                "from others"
            )


def find_devices() -> list[Any]:
    """The devices that JAX computes on; starts JAX.

    Raises:
        InvalidInputError: if there is none of the platform that was asked for.
    """
    try:
        return jax.devices()
    except (RuntimeError, AssertionError) as error:  # the latter says nothing
        reason = str(error) or "JAX finds no device of this platform"
        raise InvalidInputError(
            f"JAX_PLATFORMS={jax.config.values['jax_platforms']}: {reason}"
        ) from None

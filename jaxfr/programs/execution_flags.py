"""The flags that say on what runs are executed, and where their records go."""

import pathlib
from collections.abc import Callable

from absl import flags

from jaxfr.checkpoints import CheckpointOptions, prepare_directory
from jaxfr.compilation_cache import enable_compilation_cache
from jaxfr.files import user_path
from jaxfr.jax_settings import keep_loops
from jaxfr.programs.flag_parsers import define_number
from jaxfr.ranges import AMOUNT, COUNT, COUNT_FROM_1, DEVICES
from jaxfr.sweeps.execution import MOST_CPU_DEVICES, RUNS_PER_GPU, ExecutionOptions

STORE = flags.DEFINE_string(
    "store",
    None,
    "Folder of the result store, which any number of processes may use at once: a run "
    "whose record is there is not run again.",
)
NUM_DEVICES = define_number(
    "num_devices",
    0,
    "Devices to use: cores of the CPU, or GPUs. Runs are divided among them; a single "
    "run on a CPU is spread over them. 0: all, on a CPU "
    f"{MOST_CPU_DEVICES} of each process at most.",
    DEVICES._replace(low=0),
)
RUNS_AT_ONCE = define_number(
    "runs_at_once",
    0,
    "Runs in one call of the compiled program, a multiple of the devices among which "
    f"they are divided. 0: one for each core, {RUNS_PER_GPU} for each GPU, fewer where "
    "memory is short.",
    COUNT,
)
SPREAD_RUNS = flags.DEFINE_bool(
    "spread_runs",
    False,
    "Whether each run is spread over all devices, one run after the other, instead of "
    "dividing runs among devices: for runs that are too large for one device. Each "
    "device then holds its share of the clients.",
)
COMPILATION_CACHE_DIR = flags.DEFINE_string(
    "compilation_cache_dir",
    None,
    "Folder of compiled programs, which later starts load instead of compiling; "
    "machines may share it; none: compiles everything anew. Default: "
    "JAX_COMPILATION_CACHE_DIR, or else compiled in JAXFR_CACHE_DIR or ~/.cache/jaxfr.",
)
ANY_CODE_VERSION = flags.DEFINE_bool(
    "any_code_version",
    False,
    "Whether runs in the store that other versions of the code or of its libraries did "
    "count as finished.",
)
CHECKPOINT_DIR = flags.DEFINE_string(
    "checkpoint_dir",
    None,
    "Folder of checkpoints, which any number of programs may use: a run that was "
    "killed goes on from the newest one when the same command is given again, and ends "
    "with the same bits. Default: none are written.",
)
CHECKPOINT_MINUTES = define_number(
    "checkpoint_minutes",
    5.0,
    "At least so many minutes between two checkpoints of a batch of runs. 0: one after "
    "each call of the compiled program, about every second.",
    AMOUNT,
)
KEEP_CHECKPOINTS = define_number(
    "keep_checkpoints",
    2,
    "How many checkpoints of a batch of runs to keep; older ones are removed, and all "
    "of them once the runs are finished.",
    COUNT_FROM_1,
)


STORE_FOLDER = "store"
"""The result store in the output folder of a program, where --store names no other."""


def store_path() -> pathlib.Path | None:
    """The folder that --store names, None where it is not given."""
    return None if STORE.value is None else user_path(STORE.value, "store")


def run_options(start: Callable[[int], int]) -> ExecutionOptions:
    """How runs are to be executed; ``start`` starts so many devices, 0 for all."""
    keep_loops()
    checkpoints = checkpoint_settings()
    programs = enable_compilation_cache(COMPILATION_CACHE_DIR.value)
    return ExecutionOptions(
        devices=start(NUM_DEVICES.value),
        runs_at_once=RUNS_AT_ONCE.value,
        spread_runs=SPREAD_RUNS.value,
        checkpoints=checkpoints,
        programs=programs,
    )


def checkpoint_settings() -> CheckpointOptions | None:
    """What the flags say of checkpoints, None where there are to be none."""
    if CHECKPOINT_DIR.value is None:
        return None
    settings = CheckpointOptions(
        directory=user_path(CHECKPOINT_DIR.value, "checkpoint_dir"),
        seconds=60 * CHECKPOINT_MINUTES.value,
        keep=KEEP_CHECKPOINTS.value,
    )
    prepare_directory(settings)
    return settings

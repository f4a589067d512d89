"""The flags by which the processes of one large run find each other."""

from absl import flags

from jaxfr.errors import InvalidInputError
from jaxfr.processes import Processes
from jaxfr.programs.flag_parsers import define_number
from jaxfr.ranges import COUNT, COUNT_FROM_1
from jaxfr.sweeps.execution import start_devices

FROM_ENVIRONMENT = "auto"

COORDINATOR_ADDRESS = flags.DEFINE_string(
    "coordinator_address",
    None,
    "Where several processes, such as one on each host, do every run together, each "
    "with its share of the clients: host:port that process 0 listens on. Give all of "
    f"them the same command, and --process_id. {FROM_ENVIRONMENT}: this and the two "
    "flags below are found in the environment of Slurm, Open MPI or a cloud's cluster.",
)
NUM_PROCESSES = define_number(
    "num_processes",
    None,
    "Number of processes, with --coordinator_address.",
    COUNT_FROM_1,
)
PROCESS_ID = define_number(
    "process_id",
    None,
    "Which of the processes this is, from 0. Process 0 writes the records and prints.",
    COUNT,
)


def start_flagged_devices(wanted: int) -> int:
    """``start_devices``, together with other processes where the flags name them."""
    address = COORDINATOR_ADDRESS.value
    number, own = NUM_PROCESSES.value, PROCESS_ID.value
    if address is None:
        if number is not None or own is not None:
            raise InvalidInputError(
                "num_processes and process_id: need --coordinator_address"
            )
        return start_devices(wanted)
    if address == FROM_ENVIRONMENT:
        address = None
        if wanted and number is None:
            raise InvalidInputError(
                f"num_devices={wanted}: with --coordinator_address={FROM_ENVIRONMENT} "
                "needs --num_processes, among which they are divided"
            )
    elif number is None or own is None:
        raise InvalidInputError(
            f"coordinator_address={address}: needs --num_processes and --process_id"
        )
    elif own >= number:
        raise InvalidInputError(
            f"process_id={own}: must be below num_processes={number}"
        )
    return start_devices(wanted, Processes(address, number, own))

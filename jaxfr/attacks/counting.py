"""How many malicious clients a malicious ratio adds."""

import math

from jaxfr.attacks.none import CLEAN
from jaxfr.errors import InvalidInputError


def malicious_client_count(benign_clients: int, malicious_ratio: float) -> int:
    """Malicious clients to add, ``floor(n rho / (1 - rho))``.

    They are then a share of at most ``malicious_ratio`` rho of all clients.

    Args:
        benign_clients: number of benign clients n.
        malicious_ratio: share rho of all clients, in [0, 1).
    """
    exact = benign_clients * malicious_ratio / (1 - malicious_ratio)
    # What is whole but for rounding counts as whole (0.9 of 10 clients: 90, not 89).
    return int(exact * (1 + 1e-12))


def attacker_count(
    attack: str, benign_clients: int, malicious_ratio: float, dataset: str
) -> int:
    """The same for an attack, which needs at least one; 0 for the clean run.

    Args:
        attack: a name of ``ATTACKS``.
        benign_clients: as there.
        malicious_ratio: as there.
        dataset: the name of the data, for the message.

    Raises:
        InvalidInputError: if the attack would have nobody; says which ratio is enough.
    """
    if attack == CLEAN:
        return 0
    if malicious_ratio == 0:
        raise InvalidInputError(
            f"malicious_ratio=0: attack={attack} needs a malicious client; the clean "
            f"run is attack={CLEAN}"
        )
    count = malicious_client_count(benign_clients, malicious_ratio)
    if count == 0:
        enough = math.ceil(1e6 / (benign_clients + 1)) / 1e6
        raise InvalidInputError(
            f"malicious_ratio={malicious_ratio:g}: adds no malicious client to the "
            f"{benign_clients} of {dataset}; attack={attack} needs at least "
            f"{enough:g}, and the clean run is attack={CLEAN}"
        )
    return count


def least_benign_clients(malicious_ratio: float) -> int:
    """The fewest benign clients to whom a ratio adds a malicious one.

    Args:
        malicious_ratio: share rho of all clients, in (0, 1).
    """
    return math.ceil((1 - malicious_ratio) / malicious_ratio)

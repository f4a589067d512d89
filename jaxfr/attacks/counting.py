"""How many malicious clients a malicious ratio adds."""

import math


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


def least_benign_clients(malicious_ratio: float) -> int:
    """The fewest benign clients to whom a ratio adds a malicious one.

    Args:
        malicious_ratio: share rho of all clients, in (0, 1).
    """
    return math.ceil((1 - malicious_ratio) / malicious_ratio)

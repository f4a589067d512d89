"""FedGNN's rounds once more in plain loops; the sibling of ``reference``.

What chance decides (neighbours, and the noise on the weights) is handed in.
"""

import dataclasses

import numpy as np

from tests.models.one_client import Client
from tests.models.plain_fedgnn import gradient, theta_from
from tests.training.reference import Rows, Scenario, update_table

NO_NEIGHBOUR = -1


@dataclasses.dataclass(frozen=True)
class GraphScenario:
    """FedMF's scenario, and what a graph has besides.

    ``weights`` and ``noise_on_weights`` are Theta's numbers behind one another;
    ``neighbours`` holds, for each client, users of each training pair.
    """

    plain: Scenario
    weights: np.ndarray
    noise_on_weights: np.ndarray
    neighbours: list[np.ndarray]


def simulate_round(
    scenario: GraphScenario, benign_part: np.ndarray, malicious_part: np.ndarray
) -> GraphScenario:
    """One round; who takes part is bool, of benign and of malicious clients."""
    plain = scenario.plain
    theta = theta_from(scenario.weights, plain.users.shape[1])
    users = plain.users.copy()
    received: list[Rows] = [[] for _ in plain.items]
    of_weights: Rows = []
    for client in np.flatnonzero(benign_part):
        positives, negatives = plain.positives[client], plain.negatives[client]
        pairs = list(zip(positives.tolist(), negatives.tolist(), strict=True))
        found = [u for u in scenario.neighbours[client].ravel() if u != NO_NEIGHBOUR]
        own = Client(plain.users[client], plain.items, plain.users[found])
        by_user, by_items, by_theta = gradient(theta, own, pairs, plain.regularization)
        users[client] -= plain.learning_rate * by_user
        of_weights.append(np.concatenate([leaf.ravel() for leaf in by_theta]))
        for item in {item for pair in pairs for item in pair}:
            received[item].append(by_items[item])
    on_weights = dataclasses.replace(
        plain,
        items=scenario.weights[None],
        noise=scenario.noise_on_weights[None],
        poisoned=np.ones((malicious_part.size, 1), bool),
    )
    participants = int(benign_part.sum() + malicious_part.sum())
    server = malicious_part, participants
    items = update_table(plain, received, received, *server)
    (weights,) = update_table(on_weights, [of_weights], [of_weights], *server)
    return dataclasses.replace(
        scenario,
        plain=dataclasses.replace(plain, users=users, items=items),
        weights=weights,
    )

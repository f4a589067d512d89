"""The simulation once more, written from the definitions: plain loops in float64.

It shares no code with the package. What chance decides (initial embeddings, negatives,
noise, poisoned items, who takes part) is handed in.
"""

import dataclasses

import numpy as np

from tests.models.plain_fedmf import gradient

Rows = list[np.ndarray]


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A whole experiment but for the number of rounds.

    ``positives`` and ``negatives`` hold one array for each client; ``poisoned`` says
    which items each malicious client poisons, bool ``[malicious, items]``.
    With ``keep_repeats``, every draw of a negative is a row of its own.
    """

    positives: list[np.ndarray]
    negatives: list[np.ndarray]
    users: np.ndarray
    items: np.ndarray
    attack: str
    aggregator: str
    poisoned: np.ndarray
    noise: np.ndarray
    expected_byzantine: int
    dense: bool = False
    keep_repeats: bool = False
    clip_norm: float = 1.0
    learning_rate: float = 0.1
    regularization: float = 0.1


def mean(rows: Rows) -> np.ndarray:
    return np.mean(rows, axis=0)


def median(rows: Rows) -> np.ndarray:
    return np.median(rows, axis=0)


def trimmed_mean(rows: Rows, dropped: int) -> np.ndarray:
    """The paper's form; of two values equally far, the larger is dropped first."""
    if len(rows) <= dropped:
        return median(rows)
    kept = []
    for column in np.transpose(rows):
        distance = np.round(np.abs(column - np.median(column)), 12)
        order = np.lexsort((column, distance))
        kept.append(np.mean(column[order[: len(rows) - dropped]]))
    return np.array(kept)


def krum(rows: Rows, byzantine: int) -> np.ndarray:
    count = len(rows)
    neighbours = count - byzantine - 2
    if neighbours < 1:
        neighbours = count - byzantine
    if neighbours < 1:
        neighbours = count - 1
    scores = []
    for row in range(count):
        others = [rows[other] for other in range(count) if other != row]
        distances = sorted(np.sum((rows[row] - other) ** 2) for other in others)
        scores.append(sum(distances[:neighbours]))
    return rows[int(np.argmin(scores))]


def clipped(row: np.ndarray, limit: float) -> np.ndarray:
    return row * min(1.0, limit / max(float(np.linalg.norm(row)), 1e-300))


def malicious_rows(
    scenario: Scenario, item: int, benign: Rows, acting: np.ndarray
) -> Rows:
    """What the malicious clients that act send for one item."""
    senders = int(np.sum(scenario.poisoned[:, item] & acting))
    if senders == 0:
        return []
    if scenario.attack.startswith("spattack_l"):
        return [scenario.noise[item]] * senders
    opposite = -sum(benign, start=np.zeros(scenario.items.shape[1]))
    return [opposite / senders] * senders


def aggregate(scenario: Scenario, rows: Rows) -> np.ndarray:
    byzantine = scenario.expected_byzantine
    match scenario.aggregator:
        case "mean" | "norm":
            return mean(rows)
        case "median":
            return median(rows)
        case "trimmed_mean":
            return trimmed_mean(rows, byzantine)
        case "krum":
            return krum(rows, byzantine)
    raise ValueError(scenario.aggregator)


def client_rows(
    scenario: Scenario, client: int
) -> tuple[np.ndarray, list[tuple[int, np.ndarray, bool]]]:
    """What one client learns, and its rows: item, row, and if attackers notice it."""
    pairs = [*zip(scenario.positives[client], scenario.negatives[client], strict=True)]
    user, regularization = scenario.users[client], scenario.regularization
    by_user, by_item = gradient(user, scenario.items, pairs, regularization)
    if not scenario.keep_repeats:
        return by_user, [(item, row, True) for item, row in by_item.items()]
    rows, seen = [], set()
    for j, k in pairs:
        _, alone = gradient(user, scenario.items, [(j, k)], regularization)
        rows += [(j, alone[j], True), (k, alone[k], k not in seen)]
        seen.add(k)
    return by_user, rows


def update_table(
    scenario: Scenario,
    received: list[Rows],
    noticed: list[Rows],
    malicious_part: np.ndarray,
    participants: int,
) -> np.ndarray:
    """The attackers' and the server's part; attackers see what they notice only."""
    items = scenario.items.copy()
    for item, (rows, seen) in enumerate(zip(received, noticed, strict=True)):
        clips = scenario.aggregator == "norm"
        if clips:
            rows = [clipped(row, scenario.clip_norm) for row in rows]
            seen = [clipped(row, scenario.clip_norm) for row in seen]
        poison = malicious_rows(scenario, item, seen, malicious_part)
        if clips:
            poison = [clipped(row, scenario.clip_norm) for row in poison]
        rows = rows + poison
        if not rows:
            continue
        if scenario.dense:
            rows += [np.zeros(items.shape[1])] * (participants - len(rows))
        items[item] -= scenario.learning_rate * aggregate(scenario, rows)
    return items


def simulate_round(
    scenario: Scenario, benign_part: np.ndarray, malicious_part: np.ndarray
) -> Scenario:
    """One round; who takes part is bool, of benign and of malicious clients."""
    users = scenario.users.copy()
    received: list[Rows] = [[] for _ in scenario.items]
    noticed: list[Rows] = [[] for _ in scenario.items]
    for client in np.flatnonzero(benign_part):
        by_user, rows = client_rows(scenario, int(client))
        users[client] -= scenario.learning_rate * by_user
        for item, row, is_noticed in rows:
            received[item].append(row)
            if is_noticed:
                noticed[item].append(row)
    if scenario.attack == "none":
        malicious_part = np.zeros_like(malicious_part)
    participants = int(benign_part.sum() + malicious_part.sum())
    items = update_table(scenario, received, noticed, malicious_part, participants)
    return dataclasses.replace(scenario, users=users, items=items)

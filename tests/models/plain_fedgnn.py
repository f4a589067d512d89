"""FedGNN once more, literally from the definition, in float64; shares no code."""

from typing import NamedTuple

import numpy as np

from tests.models.one_client import Client, Pairs, pairs_loss, penalty


class Theta(NamedTuple):
    own: np.ndarray
    node: np.ndarray
    attention: np.ndarray


def drawn_theta(seed: int, dim: int) -> Theta:
    random = np.random.default_rng(seed)
    shapes = (dim, dim), (dim, dim), (2 * dim,)
    numbers = [random.normal(0, 0.6, shape).astype(np.float32) for shape in shapes]
    return Theta(*(values.astype(np.float64) for values in numbers))


def theta_from(flat: np.ndarray, dim: int) -> Theta:
    own, node, attention = np.split(flat, [dim * dim, 2 * dim * dim])
    return Theta(own.reshape(dim, dim), node.reshape(dim, dim), attention)


def attention(
    theta: Theta, user: np.ndarray, nodes: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """How the user's node fits each of the others, and the softmax of it."""
    fits = [
        theta.attention @ np.concatenate([theta.own @ user, theta.node @ node])
        for node in nodes
    ]
    leaky = np.array([fit if fit > 0 else 0.2 * fit for fit in fits])
    weights = np.exp(leaky)
    return np.array(fits), weights / weights.sum()


def representation(
    theta: Theta, user: np.ndarray, nodes: list[np.ndarray]
) -> np.ndarray:
    h = theta.own @ user
    if nodes:
        for alpha, node in zip(attention(theta, user, nodes)[1], nodes, strict=True):
            h = h + alpha * (theta.node @ node)
    return h


def loss(theta: Theta, client: Client, pairs: Pairs) -> float:
    nodes = [client.table[j] for j, _ in pairs] + list(client.neighbours)
    h = representation(theta, client.user, nodes)
    scores = {item: float(h @ client.table[item]) for p in pairs for item in p}
    return pairs_loss(scores, pairs) + penalty(client, pairs)


def gradient(
    theta: Theta, client: Client, pairs: Pairs, regularization: float
) -> tuple[np.ndarray, np.ndarray, Theta]:
    """By user, by the whole table, and by Theta: the chain rule node by node."""
    user, table = client.user, client.table
    dim = user.size
    nodes = [table[j] for j, _ in pairs] + list(client.neighbours)
    h = representation(theta, user, nodes)
    by_table, by_h = np.zeros_like(table), np.zeros(dim)
    for item in {item for pair in pairs for item in pair}:
        by_table[item] += regularization * table[item]
    for j, k in pairs:
        slope = -1.0 / (1.0 + np.exp(h @ table[j] - h @ table[k]))
        by_table[j] += slope * h
        by_table[k] -= slope * h
        by_h += slope * (table[j] - table[k])

    fits, alphas = attention(theta, user, nodes)
    own = theta.own @ user
    for_user, for_node = theta.attention[:dim], theta.attention[dim:]
    by_alpha = np.array([by_h @ (theta.node @ node) for node in nodes])
    by_fit = alphas * (by_alpha - alphas @ by_alpha) * np.where(fits > 0, 1.0, 0.2)
    by_own = by_h + by_fit.sum() * for_user
    by_node_matrix, by_for_node = np.zeros((dim, dim)), np.zeros(dim)
    for place, node in enumerate(nodes):
        by_product = alphas[place] * by_h + by_fit[place] * for_node
        by_node_matrix += np.outer(by_product, node)
        by_for_node += by_fit[place] * (theta.node @ node)
        if place < len(pairs):
            by_table[pairs[place][0]] += theta.node.T @ by_product
    by_theta = Theta(
        own=np.outer(by_own, user),
        node=by_node_matrix,
        attention=np.concatenate([by_fit.sum() * own, by_for_node]),
    )
    return theta.own.T @ by_own + regularization * user, by_table, by_theta

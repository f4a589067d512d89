"""Trust in clients whose rows point where the last aggregate pointed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import ServerView, reputation
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.samples import DIM, KINDS, NUM_ITEMS

from .seeing import KNOWLEDGE, clients_of


def trust_by_round(stage, uploads_by_round, aggregates) -> list[np.ndarray]:
    made = stage.make()
    state, found = made.init(KNOWLEDGE), []
    for number, (uploads, last) in enumerate(
        zip(uploads_by_round, aggregates, strict=True)
    ):
        last = jnp.asarray(last, jnp.float32)
        view = ServerView(jnp.int32(number), jnp.int32(0), last, CLIENTS)
        uploads, state = made.update(state, uploads, view)
        found.append(np.asarray(uploads.client_trust))
    return found


def of_rows(uploads, function) -> jax.Array:
    """What a function says of each scattered row's client."""
    return function(uploads.client).repeat(uploads.rows_per_bundle)


def loop_trust(uploads_by_round, aggregates, memory, share, start) -> list[np.ndarray]:
    """The definition, client by client, in float64."""
    past: dict[int, list[float]] = {client: [] for client in range(CLIENTS)}
    found = []
    for number, (uploads, last) in enumerate(
        zip(uploads_by_round, aggregates, strict=True)
    ):
        clients = list(clients_of(uploads))
        for client in clients:
            of_rows = last[client.items]
            norms = np.linalg.norm(client.rows, axis=1)
            possible = np.sum(norms * np.linalg.norm(of_rows, axis=1))
            if possible > 0:
                past[client.id].append(np.sum(client.rows * of_rows) / possible)
        rho = {}
        for client, agreed in past.items():
            weights = memory ** np.arange(len(agreed))[::-1]
            rho[client] = np.sum(weights * agreed) / max(np.sum(weights), 1e-30)
        median = np.median([rho[client.id] for client in clients])
        trust = np.ones(CLIENTS)
        for client in clients:
            if number >= start and median > 0:
                trust[client.id] = np.clip(rho[client.id] / (share * median), 0, 1)
        found.append(trust)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("numbers", [(0.9, 0.8, 3), (0.5, 1.5, 1)])
def test_trust_is_that_of_the_definition(kind, numbers):
    """Rows change, and so does who sends any."""
    random = np.random.default_rng(0)
    rounds = [uploads_of_clients(seed, kind) for seed in range(6)]
    absent = of_rows(rounds[2], lambda client: client == client[0])
    rounds[2] = rounds[2]._replace(weight=jnp.where(absent, 0, rounds[2].weight))
    aggregates = 3 * random.normal(size=(6, NUM_ITEMS, DIM))
    for uploads, aggregate in zip(rounds, aggregates, strict=True):
        for client in clients_of(uploads):
            np.add.at(aggregate, client.items, client.rows)
    aggregates[0] = 0
    found = trust_by_round(reputation(*numbers), rounds, aggregates)
    expected = loop_trust(rounds, aggregates, *numbers)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    last = expected[-1]
    assert np.any((last > 0) & (last < 1))


def test_who_always_points_the_other_way_is_left_out():
    uploads = uploads_of_clients(1, "single_rows")
    rows = {client.id: client for client in clients_of(uploads)}
    aggregate = np.zeros((NUM_ITEMS, DIM))
    for client in rows.values():
        np.add.at(aggregate, client.items, client.rows)
    against = max(rows)
    turned = of_rows(uploads, lambda client: jnp.where(client == against, -1.0, 1.0))
    uploads = uploads._replace(
        scale=uploads.scale * turned, item_scale=uploads.item_scale * turned
    )
    found = trust_by_round(reputation(), [uploads] * 5, [aggregate] * 5)
    assert [trust[against] for trust in found] == [1, 1, 1, 0, 0]

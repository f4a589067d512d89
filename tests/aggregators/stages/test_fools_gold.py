"""Less trust in clients whose summed uploads resemble another's."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import ArrayLike

from jaxfr.aggregators import aggregate, fools_gold
from jaxfr.aggregators.base import chained
from jaxfr.uploads import Uploads, uploads_of
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.oracles import MEAN
from tests.aggregators.samples import DIM, KINDS, NUM_ITEMS

from .seeing import all_that_was_sent, trust_by_round


def loop_trust(rounds: list[Uploads], confidence: float) -> list[np.ndarray]:
    """The definition, client by client, in float64."""
    sums, found = np.zeros((CLIENTS, NUM_ITEMS * DIM)), []
    for uploads in rounds:
        ids, sent = all_that_was_sent(uploads)
        sums[ids] += sent
        there = np.flatnonzero(sums.any(axis=1))
        units = sums[there] / np.linalg.norm(sums[there], axis=1, keepdims=True)
        alike = units @ units.T
        np.fill_diagonal(alike, -1)
        most = alike.max(axis=1)
        for i, j in np.ndindex(alike.shape):
            if 0 < most[i] < most[j]:
                alike[i, j] *= most[i] / most[j]
        alpha = np.clip(1 - alike.max(axis=1), 0, 1)
        alpha /= alpha.max()
        with np.errstate(divide="ignore"):
            logit = np.log(alpha / (1 - alpha)) + 0.5
        trust = np.ones(CLIENTS)
        trust[there] = np.clip(confidence * logit, 0, 1)
        found.append(trust)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("confidence", [1.0, 0.3])
def test_trust_is_that_of_the_definition(kind, confidence):
    """Rows change from round to round, and so does who sends any."""
    rounds = [uploads_of_clients(seed, kind) for seed in range(5)]
    first = rounds[0]
    assert first.client is not None
    silent = jnp.repeat(first.client == first.client[0], first.rows_per_bundle)
    rounds[0] = first._replace(weight=jnp.where(silent, 0, first.weight))
    found = trust_by_round(fools_gold(confidence), rounds)
    expected = loop_trust(rounds, confidence)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    together = np.array(expected)
    assert np.any((together > 0) & (together < 1))


def trust_in(rows: ArrayLike) -> ArrayLike:
    """Of clients of one item."""
    uploads = uploads_of(jnp.asarray(rows)[None])
    rule = chained(fools_gold().make(), MEAN)
    found, _ = aggregate(rule, uploads, num_clients=len(np.asarray(rows)))
    assert found.client_trust is not None
    return found.client_trust


def test_copies_are_left_out_and_who_resembles_them_less_is_pardoned():
    """Unpardoned, ln(0.4 / 0.6) + 1/2 = 0.09 of the third client were left."""
    honest = [[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.6, 0.8]]
    copies = [[0.0, 0, 2, 0]] * 3
    np.testing.assert_array_equal(trust_in(honest + copies), [1] * 3 + [0] * 3)


@pytest.mark.parametrize("rows", [[[1.0, 2.0]] * 4, [[0.0, 0.0]] * 3, [[1.0, 0.0]]])
def test_all_are_trusted_where_none_differs_from_the_others(rows):
    np.testing.assert_array_equal(trust_in(rows), 1)


def test_sums_are_compared_when_it_is_their_turn():
    rounds = [uploads_of_clients(seed, "single_rows") for seed in range(4)]
    often, seldom = (trust_by_round(fools_gold(every=n), rounds) for n in (1, 3))
    for number, same_as in enumerate((0, 0, 0, 3)):
        np.testing.assert_array_equal(seldom[number], often[same_as])
    assert np.any(often[1] != often[0])

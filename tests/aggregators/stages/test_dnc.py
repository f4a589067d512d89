"""Leaving out the clients that are farthest along the direction of most variance."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import ArrayLike

from jaxfr.aggregators import aggregate, dnc
from jaxfr.aggregators.base import chained
from jaxfr.uploads import Uploads, uploads_of
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.oracles import MEAN
from tests.aggregators.samples import KINDS

from .seeing import all_that_was_sent, outcome


def with_long_rows(uploads: Uploads) -> Uploads:
    """The malicious clients' rows are longer, so that one direction stands out."""
    (table,) = uploads.tables
    return uploads._replace(tables=(table._replace(rows=5 * table.rows),))


def loop_trust(uploads: Uploads, number: int) -> np.ndarray:
    ids, sent = all_that_was_sent(uploads)
    centred = sent - sent.mean(axis=0)
    _, _, directions = np.linalg.svd(centred)
    score = (centred @ directions[0]) ** 2
    # Malicious clients that chose the same items tie.
    least = np.append(np.inf, np.sort(score)[::-1])[number]
    trust = np.ones(CLIENTS)
    trust[ids] = score < (1 - 1e-9) * least
    return trust


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("filtered", "byzantine"), [(1.0, 2), (1.5, 2), (0.5, 1)])
def test_trust_is_that_of_the_definition(kind, filtered, byzantine):
    for seed in range(6):
        uploads = with_long_rows(uploads_of_clients(seed, kind))
        expected = loop_trust(uploads, round(filtered * byzantine))
        found = outcome(dnc(filtered), uploads, 1, byzantine).trust
        np.testing.assert_array_equal(found, expected)


def trust_in(rows: ArrayLike, byzantine: int) -> ArrayLike:
    """Of clients of one item with one number each."""
    uploads = uploads_of(jnp.asarray(rows)[None, :, None])
    rule = chained(dnc().make(), MEAN)
    found, _ = aggregate(rule, uploads, byzantine, num_clients=np.size(rows))
    assert found.client_trust is not None
    return found.client_trust


def test_attackers_with_one_row_of_any_length_are_left_out():
    for length in (9.0, 1e20, -3e38):
        honest, hostile = np.linspace(1, 2, 7), np.full(3, length)
        found = trust_in([*honest, *hostile], 3)
        np.testing.assert_array_equal(found, [1] * 7 + [0] * 3)


def test_who_ties_with_the_last_to_be_left_out_is_left_out_too():
    np.testing.assert_array_equal(trust_in([1, 1, 1, 1, 9, 9], 1), [1, 1, 1, 1, 0, 0])


def test_more_than_there_are_leaves_nobody():
    assert not np.any(trust_in([1, 2, 5], 9))


def test_nobody_is_left_out_where_all_are_alike():
    np.testing.assert_array_equal(trust_in([0.0] * 5, 2), 1)

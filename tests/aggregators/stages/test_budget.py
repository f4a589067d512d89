"""As much influence for a client as the median client's number of rows has."""

import numpy as np
import pytest

from jaxfr.aggregators import budget
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.samples import KINDS

from .seeing import clients_of, outcome


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [0.5, 1.0, 1.3])
def test_trust_is_the_share_of_a_clients_rows_that_the_budget_pays(kind, factor):
    uploads = uploads_of_clients(1, kind)
    sent = {client.id: len(client.rows) for client in clients_of(uploads)}
    allowed = factor * np.median(list(sent.values()))
    expected = np.ones(CLIENTS)
    for client, rows in sent.items():
        expected[client] = min(1, allowed / rows)
    assert 0 < expected.min() < 1
    np.testing.assert_allclose(outcome(budget(factor), uploads).trust, expected, 1e-6)

"""The server's larger or smaller steps."""

import numpy as np
import pytest

from jaxfr.aggregators import aggregate, mean, scale
from jaxfr.aggregators.base import chained

from .samples import every_kind, factored_uploads


@every_kind
@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_rows_and_so_what_is_made_of_them_are_so_many_times_as_long(kind, factor):
    uploads = factored_uploads([9, 1, 0, 5], seed=0, kind=kind)
    rule = mean().make()
    found = aggregate(chained(scale(factor).make(), rule), uploads)[0].rows
    expected = factor * aggregate(rule, uploads)[0].rows
    assert np.any(expected != 0)
    np.testing.assert_allclose(found, expected, rtol=1e-6)

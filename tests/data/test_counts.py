import numpy as np
import pytest

from jaxfr.data.counts import Counts, check_counts
from jaxfr.data.dataset import Dataset
from jaxfr.errors import InvalidInputError

DATASET = Dataset(
    "made up", 2, 4, np.array([0, 1]), np.array([3, 0]), np.array([0, -1])
)


def test_the_published_size_is_accepted():
    check_counts(DATASET, Counts(users=2, items=4, pairs=3))


@pytest.mark.parametrize("expected", [(3, 4, 3), (2, 5, 3), (2, 4, 2)])
def test_any_other_size_is_refused_and_both_are_named(expected):
    with pytest.raises(InvalidInputError, match=r"made up: holds .*pairs=3.*expected"):
        check_counts(DATASET, Counts(*expected))

"""Statistics of a data set, as in Table 2 and Figure 2."""

import numpy as np
import pytest

from jaxfr.data import load_dataset
from jaxfr.data.dataset import Dataset
from jaxfr.data.statistics import dataset_statistics, degree_distribution


@pytest.fixture(scope="module")
def small() -> Dataset:
    users, items = np.array([0, 0, 0, 1, 2]), np.array([0, 1, 2, 0, 0])
    return Dataset("small", 3, 5, users, items, np.array([3, 1, -1]))


def test_users_items_edges_and_sparsity_are_those_of_all_pairs(small):
    found = dataset_statistics(small)
    assert (found.num_users, found.num_items, found.num_edges) == (3, 5, 7)
    assert found.sparsity_percent == pytest.approx(100 * 8 / 15)
    assert (found.min_activity, found.median_activity, found.max_activity) == (1, 2, 4)
    assert (found.min_degree, found.median_degree, found.max_degree) == (0, 1, 3)
    assert found.tail_percent == 100


def test_the_degree_distribution_counts_items_by_degree(small):
    found = degree_distribution(small)
    assert found.degree.tolist() == [0, 1, 2, 3]
    assert found.num_items.tolist() == [1, 2, 1, 1]
    np.testing.assert_allclose(found.ccdf, [1, 0.8, 0.4, 0.2])


@pytest.mark.parametrize(
    ("name", "users", "items", "edges", "sparsity"),
    [
        ("ml-100k", 943, 1682, 100_000, "93.70"),
        ("ml-1m", 6040, 3706, 1_000_209, "95.53"),
    ],
)
def test_the_row_of_table_2_comes_out(name, users, items, edges, sparsity):
    found = dataset_statistics(load_dataset(name))
    assert (found.num_users, found.num_items, found.num_edges) == (users, items, edges)
    assert f"{found.sparsity_percent:.2f}" == sparsity

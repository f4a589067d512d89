"""What a large run needs follows from a smaller one by simple proportion."""

import pytest

from jaxfr.benchmarking.on_paper import ITEM_TABLES, Size, need_of, size_of

TABLES = 4 * ITEM_TABLES * 8
MEASURED = {
    "num_train_pairs": 1e6,
    "num_users": 2e4,
    "num_items": 1e4,
    "num_devices": 2,
    "embedding_dim": 8,
    "peak_memory_bytes": 1e9,
    "seconds_per_round": {"median": 0.5},
    "sent_bytes": {"sum": 1000, "gather": 100, "exchange": 800, "messages": 7},
}


def test_the_same_run_on_the_same_devices_needs_what_was_measured():
    need = need_of(MEASURED, size_of(MEASURED), 2)
    assert need.memory_bytes == 1e9 / 2 + TABLES * 1e4 + 200
    assert need.seconds == 0.5
    assert (need.sum_bytes, need.gather_bytes, need.exchange_bytes) == (1000, 100, 800)
    assert need.sent_bytes == 1900


def test_pairs_ask_for_memory_work_and_rows_clients_and_items_for_what_is_sent():
    larger = need_of(MEASURED, Size(1e7, 4e4, 3e4), 2)
    assert larger.memory_bytes == pytest.approx(10 * 1e9 / 2 + TABLES * 3e4 + 400)
    assert larger.seconds == pytest.approx(5.0)
    assert larger.sum_bytes == pytest.approx(3000)
    assert larger.gather_bytes == pytest.approx(200)
    assert larger.exchange_bytes == pytest.approx(8000)


def test_more_devices_share_pairs_but_not_the_tables_of_items():
    size = size_of(MEASURED)
    need = need_of(MEASURED, size, 8)
    assert need.seconds == pytest.approx(0.5 / 4)
    assert need.memory_bytes == pytest.approx(1e9 / 8 + TABLES * 1e4 + 200)
    # 7/8 instead of 1/2 of the sums; 7/64 instead of 1/4 of the rows.
    assert need.sum_bytes == pytest.approx(1000 * 7 / 4)
    assert need.exchange_bytes == pytest.approx(800 * 7 / 16)

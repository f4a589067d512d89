import numpy as np
import pytest

from jaxfr.aggregators.order_statistics import padded_size
from jaxfr.benchmarking import measuring
from jaxfr.benchmarking.case import seconds_at_rate
from jaxfr.benchmarking.rounds import Case, item_blocks
from jaxfr.data import SyntheticSettings
from jaxfr.data.synthetic import make_dataset
from jaxfr.training import plan_layout


@pytest.mark.parametrize("attack", ["none", "spattack_o_d"])
def test_the_references_blocks_have_room_for_all_rows_of_an_item(attack):
    dataset = make_dataset(SyntheticSettings(num_users=30, num_items=50, num_pairs=400))
    layout, attacked = plan_layout(dataset, 2), attack != "none"
    blocks = item_blocks(layout, attacked)
    capacities = [group.slots.size for group in layout.item_slots]
    assert [size for _, size in blocks] == [
        padded_size(capacity + attacked) for capacity in capacities
    ]
    items = np.concatenate([items for items, _ in blocks])
    assert {*items} - {dataset.num_items} == {*range(dataset.num_items)}
    operations = sum(2 * 3 * len(items) * size**2 for items, size in blocks)
    case = Case(
        dataset="synthetic",
        synthetic="",
        data_dir=None,
        aggregator="krum",
        attack=attack,
        malicious_ratio=0.1,
        model="fedmf:3",
        num_devices=2,
        runs=1,
        rounds=5,
        repeats=1,
        eval_every=0,
        references=(),
        reference_threads=1,
    )
    assert seconds_at_rate(case, layout, 4.0) == pytest.approx(5 * operations / 4e9)


def test_contestants_take_turns_after_one_call_each_that_is_not_timed():
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) for name in ("ours", "theirs")}
    seconds = measuring.time_alternating(calls, repeats=3)
    assert order == ["ours", "theirs"] * 4
    assert {name: len(taken) for name, taken in seconds.items()} == {
        "ours": 3,
        "theirs": 3,
    }


def test_a_ratio_is_that_of_medians_between_the_extremes_of_pairs():
    assert measuring.ratios([1.0, 2.0, 6.0], [2.0, 2.0, 3.0]) == {
        "median": 1.0,
        "min": 0.5,
        "max": 2.0,
    }

"""Contestants take turns, and what they took is told as ratios."""

from jaxfr.benchmarking import timing


def test_contestants_take_turns_after_one_call_each_that_is_not_timed():
    order: list[str] = []

    def contestant(name: str) -> timing.Timed:
        return lambda: order.append(name) or float(len(order))

    calls = {name: contestant(name) for name in ("ours", "theirs")}
    seconds = timing.time_alternating(calls, repeats=3)
    assert order == ["ours", "theirs"] * 4
    assert seconds == {"ours": [3, 5, 7], "theirs": [4, 6, 8]}


def test_where_the_time_is_over_everybody_had_one_turn():
    calls = {name: timing.timed(lambda: None) for name in ("ours", "theirs")}
    seconds = timing.time_alternating(calls, repeats=3, most_seconds=0.0)
    assert {name: len(taken) for name, taken in seconds.items()} == {
        "ours": 1,
        "theirs": 1,
    }


def test_a_ratio_is_that_of_medians_between_the_extremes_of_pairs():
    assert timing.ratios([1.0, 2.0, 6.0], [2.0, 2.0, 3.0]) == {
        "median": 1.0,
        "min": 0.5,
        "max": 2.0,
    }

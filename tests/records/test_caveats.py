"""What must be said beside results."""

import pytest

from jaxfr.records.caveats import caveats, has_diverged


def record(attack: str = "none", hit_ratio: float = 0.5, **others: object) -> dict:
    users = {"users_head": 500, "users_middle": 300, "users_tail": 200}
    fixed = {"num_ranked": 100, "dropped_uploads": 0, "nonfinite_scores": 0}
    return {"attack": attack, "hr@10": hit_ratio} | users | fixed | others


def test_of_sound_runs_nothing_is_said():
    assert caveats([record(), record("spattack_o_d", 0.1)]) == []


def test_runs_of_older_code_that_counted_less_are_sound_as_far_as_is_known():
    older = record()
    del older["nonfinite_scores"], older["num_ranked"]
    assert caveats([older]) == []


@pytest.mark.parametrize("counted", ["dropped_uploads", "nonfinite_scores"])
def test_a_run_that_dropped_uploads_or_has_no_finite_scores_diverged(counted):
    assert not has_diverged(record())
    assert has_diverged(record() | {counted: 1})


def test_diverged_runs_are_one_line_with_their_counts():
    (line,) = caveats(
        [
            record(),
            record("spattack_o_d", 0.0, dropped_uploads=1200, nonfinite_scores=7),
            record("gaussian", 0.0, dropped_uploads=34),
        ]
    )
    assert line.startswith("2 of 3 runs diverged (spattack_o_d, gaussian): ")
    assert "1,234 uploads" in line
    assert "7 test items" in line
    assert "\n" not in line


def test_clean_runs_at_chance_are_one_line():
    (line,) = caveats([record(), record(hit_ratio=0.1), record("lie", 0.1)])
    assert line == (
        "1 of 2 clean runs learned nothing, so that an attack has nothing to take: "
        "HR@10 0.100, chance 0.100, standard error up to 0.009"
    )


def test_clean_runs_that_repeat_each_other_at_other_ratios_count_once():
    low = record(hit_ratio=0.1, seed=0, curve=[{"round": 0, "hr@10": 0.1}])
    again, other = low | {"malicious_ratio": 0.2}, low | {"seed": 1}
    (line,) = caveats([low, again, other])
    assert line.startswith("2 of 2 clean runs learned nothing")


def test_clean_runs_no_better_than_the_most_popular_items_are_one_line():
    runs = [record(hit_ratio=value) for value in (0.1, 0.35, 0.42, 0.5)]
    for run in (*runs, attacked := record("lie", 0.3)):
        run["most_popular"] = {"hr@10": 0.4}
        run["rounds"] = 200
    first, second = caveats([*runs, attacked])
    longer = [run | {"rounds": 1000} for run in runs]
    assert first.startswith("1 of 4 clean runs learned nothing")
    assert second == (
        "2 of 4 clean runs served users no better than one list of popular items for "
        "everybody: HR@10 0.350 to 0.420, most popular 0.400, standard error up to "
        "0.015; usual after 200 rounds: rounds=1000 trains on"
    )
    assert caveats(longer)[1].endswith("standard error up to 0.015")


def test_a_list_longer_than_what_is_ranked_is_said():
    (line,) = caveats([record(hit_ratio=1.0, num_ranked=6)])
    assert line == (
        "1 of 1 runs ranked test items among 6 items on average: HR@10 is 1 there, "
        "whatever is learned, if scores are finite"
    )
    (line,) = caveats([record(hit_ratio=1.0, num_ranked=5)])
    assert "HR@5 and HR@10" in line

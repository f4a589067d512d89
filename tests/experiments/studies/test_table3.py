"""The study of Table 3: the paper's numbers beside ours."""

import pytest

from experiments.studies import table3
from experiments.studies.comparison import Point
from experiments.studies.table3 import PAPER, USERS, paper_number
from jaxfr.attacks import ATTACKS
from jaxfr.data import DATASETS
from jaxfr.records import WIDTHS
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest
from tests.experiments.studies.invented import (
    Told,
    bases,
    cell,
    finding,
    present,
    record,
    table,
    wanted_by,
)

STUDY = table3.study()


def as_in_paper(settings: Told) -> dict:
    """HR@10 of the paper under every metric."""
    return record(PAPER[settings.dataset][settings.attack]["hr@10"])


def test_eleven_columns_six_sparse_baselines_and_two_with_duplicates_are_run():
    wanted = wanted_by(STUDY, bases("steam"))
    assert len(set(wanted)) == len(wanted) == 19
    sparse = [settings for settings in wanted if settings.scope == "sparse"]
    assert len(sparse) == 6
    assert not any(settings.attack.startswith("spattack") for settings in sparse)
    duplicates = [s for s in wanted if s.repeated_negatives == "reference"]
    assert [s.attack for s in duplicates] == ["spattack_o_s", "spattack_o_d"]
    common = {(s.model, s.aggregator, s.malicious_ratio) for s in wanted}
    assert common == {("fedmf", "mean", 0.03)}


def test_only_options_that_it_decides_differ_from_the_base():
    base = RunRequest(dataset="steam", rounds=9).replace(learning_rate=0.5)
    for request in STUDY.wanted([base]):
        changed = {n for n in RUN_OPTIONS if request.value(n) != base.value(n)}
        assert changed <= set(STUDY.decides)


def test_the_papers_own_numbers_are_reproduced_by_themselves():
    section = present(STUDY, bases("ml-100k"), as_in_paper)
    found = finding(section, "comes out within 0.03")
    assert found.holds
    assert "11 of 11" in found.evidence
    assert cell(table(section, "Cells of Table 3"), "HR@10", "ML-100K") == "11 of 11"
    shown = table(section, "HR@10 and nDCG@10: value")
    row = "Spattack-O-D"
    assert cell(shown, "HR@10 paper", row) == "0.0944 ± 0.0187"
    assert cell(shown, "HR@10 simulation", row) == "0.0944"
    assert cell(shown, "HR@10 difference", row) == "+0.0000"


def test_a_cell_apart_from_the_paper_is_named():
    def run(settings: Told) -> dict:
        return record(0.36) if settings.attack == "cluster" else as_in_paper(settings)

    found = finding(present(STUDY, bases("ml-100k"), run), "comes out within 0.03")
    assert found.holds is False
    assert "10 of 11" in found.evidence
    assert "Cluster 0.360 for 0.398" in found.evidence


@pytest.mark.parametrize(
    ("dataset", "holds"), [("ml-100k", True), ("ml-1m", True), ("steam", False)]
)
def test_spattack_beats_every_baseline_where_it_does_in_the_paper(dataset, holds):
    """On Steam the paper's own Fang, .062, is below its Spattack-O-S, .131."""
    section = present(STUDY, bases(dataset), as_in_paper)
    assert finding(section, "outperforms every baseline").holds is holds


def test_the_order_of_the_variants_is_the_papers_own_for_each_data_set():
    for dataset, order in (
        ("ml-100k", "L-S > L-D > O-S > O-D"),
        ("steam", "O-S > O-D > L-S > L-D"),
    ):
        section = present(STUDY, bases(dataset), as_in_paper)
        assert finding(section, f"order {order}").holds


def test_all_items_are_at_least_as_strong_as_some_up_to_noise():
    def run(limited: float):
        return lambda s: record(limited if s.attack == "spattack_l_d" else 0.2)

    for limited, holds in ((0.1, True), (0.22, True), (0.3, False)):
        section = present(STUDY, bases("ml-100k"), run(limited))
        assert finding(section, "for the limited").holds is holds
        assert finding(section, "for the omniscient").holds


def test_convergence_is_prevented_where_some_spattack_ends_at_chance():
    section = present(STUDY, bases("ml-100k"), as_in_paper)
    assert finding(section, "can prevent convergence").holds
    section = present(STUDY, bases("ml-100k"), lambda settings: record(0.2))
    assert finding(section, "can prevent convergence").holds is False


def test_steam_is_compared_with_the_other_data_sets_where_there_are_any():
    alone = finding(present(STUDY, bases("steam"), as_in_paper), "Steam drops more")
    assert alone.holds is None
    both = bases("steam", "ml-100k", "ml-1m")
    assert finding(present(STUDY, both, as_in_paper), "Steam drops more").holds
    equal = present(STUDY, both, lambda settings: record(0.2))
    assert finding(equal, "Steam drops more").holds is False


def test_where_a_clean_run_hits_nothing_no_drop_can_be_told():
    both = present(STUDY, bases("steam", "ml-100k"), lambda settings: record(0.0))
    found = finding(both, "Steam drops more")
    assert found.holds is None
    assert "hits nothing" in found.evidence


def test_data_that_the_paper_does_not_have_stand_alone():
    section = present(STUDY, bases("log.csv"), lambda settings: record(0.2))
    assert finding(section, "comes out within 0.03").holds is None
    assert not [t for t in section.tables if "Cells of Table 3" in t.caption]
    shown = table(section, "HR@10 and nDCG@10: value")
    assert cell(shown, "HR@10 paper", "Clean") == "-"
    assert cell(shown, "HR@10 simulation", "Clean") == "0.2000"


def test_the_layout_has_the_change_against_clean_in_percent():
    def run(settings: Told) -> dict:
        return record({"none": 0.4, "fang": 0.1}.get(settings.attack, 0.4))

    section = present(STUDY, bases("steam", seeds=2), run)
    shown = table(section, "laid out as in the paper")
    assert cell(shown, "Clean", "Steam", "HR@5") == "0.400 ± 0.000"
    assert cell(shown, "Fang", "Steam", "HR@5") == "0.100 ± 0.000 (-75 %)"
    assert cell(shown, "LIE", "Steam", "HR@5") == "0.400 ± 0.000 (+0 %)"
    assert len(shown.header) == 13
    beside = table(section, "what the paper does not have")
    assert cell(beside, "Fang, sparse", "Steam", "HR@5") == "0.100 ± 0.000 (-75 %)"


def test_the_picture_is_drawn_for_data_with_and_without_paper_numbers(tmp_path):
    section = present(STUDY, bases("steam", "log.csv"), lambda settings: record(0.2))
    (picture,) = section.pictures
    picture.draw(tmp_path / picture.name, WIDTHS["column"])
    assert (tmp_path / "table3.png").read_bytes().startswith(b"\x89PNG")


def test_the_papers_columns_can_be_run_alone():
    alone = table3.study(beside=())
    assert len(set(wanted_by(alone, bases("ml-100k")))) == 11
    section = present(alone, bases("ml-100k"), as_in_paper)
    everything = present(STUDY, bases("ml-100k"), as_in_paper)
    assert len(section.tables) == len(everything.tables) - 1
    shown = table(section, "HR@10 and nDCG@10: value")
    assert cell(shown, "HR@10 simulation", "Spattack-O-D") == "0.0944"
    evidence = finding(section, "outperforms every baseline").evidence
    assert "received rows" not in evidence
    assert "received rows" in finding(everything, "every baseline").evidence
    assert "duplicate" not in finding(section, "comes out within").evidence


# --- The paper's numbers ---


def test_the_table_has_eleven_columns_for_each_of_three_data_sets():
    assert set(PAPER) == set(USERS) == {"ml-100k", "ml-1m", "steam"} <= set(DATASETS)
    for columns in PAPER.values():
        assert len(columns) == 11
        assert set(columns) <= set(ATTACKS)


@pytest.mark.parametrize("dataset", PAPER)
def test_the_four_numbers_of_a_column_are_ordered_as_metrics_must_be(dataset):
    """A hit in the first five is one in the first ten, and no gain exceeds its hit."""
    for column in PAPER[dataset].values():
        hr_5, ndcg_5, hr_10, ndcg_10 = column.values()
        assert ndcg_5 < hr_5 < hr_10
        assert ndcg_5 < ndcg_10 < hr_10


@pytest.mark.parametrize(
    ("dataset", "attack", "metric", "expected"),
    [
        ("ml-100k", "none", "hr@5", 0.2513),
        ("ml-1m", "spattack_o_s", "ndcg@5", 0.0553),
        ("steam", "fang:scope=dense", "hr@10", 0.0619),
        ("steam", "spattack_l_d", "ndcg@10", 0.0138),
    ],
)
def test_a_number_is_found_by_data_set_attack_and_metric(
    dataset, attack, metric, expected
):
    number = paper_number(dataset, Point(attack), metric)
    assert number is not None
    assert number.value == expected


def test_a_number_of_the_paper_has_the_interval_of_one_run():
    number = paper_number("ml-100k", Point(), "hr@10")
    assert number is not None
    assert number.half_width == pytest.approx(1.96 * (0.4051 * 0.5949 / 943) ** 0.5)
    assert round(number.half_width, 3) == 0.031


def test_the_paper_has_no_other_data_sets_or_attacks():
    assert paper_number("synthetic", Point(), "hr@5") is None
    assert paper_number("ml-100k", Point("fang_full_knowledge"), "hr@5") is None

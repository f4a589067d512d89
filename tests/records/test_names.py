"""Names that pictures and tables show."""

from jaxfr.aggregators import AGGREGATORS, STAGES
from jaxfr.attacks import ATTACKS
from jaxfr.models import MODELS
from jaxfr.records.names import (
    ATTACK_TITLES,
    RULE_TITLES,
    dataset_title,
    part_title,
    value_title,
)


def test_the_papers_names_are_used():
    assert dataset_title("ml-100k") == "ML-100K"
    assert part_title("none") == "Clean"
    assert part_title("spattack_o_d") == "Spattack-O-D"
    assert part_title("a_hum") == "A-hum"
    assert part_title("trimmed_mean") == "TrimM"


def test_a_users_own_data_are_named_by_their_file():
    assert dataset_title("some/folder/log.csv") == "log"
    assert dataset_title("some/folder/") == "folder"


def test_stages_and_a_rule_are_named_each_and_options_stand_behind():
    assert part_title("clip_by_norm:clip_norm=1+median") == (
        "Clip by norm (clip_norm=1) + Median"
    )
    assert part_title("./mine.py:my_rule:2+mean") == "My rule (2) + Mean"
    assert part_title("krum (told 2 times as many)") == "Krum (told 2 times as many)"


def test_what_no_paper_names_is_named_in_words():
    assert part_title("invert_head") == "Invert head"


def test_only_parts_have_titles_of_their_own():
    assert set(ATTACK_TITLES) <= set(ATTACKS)
    assert set(RULE_TITLES) == set(AGGREGATORS)


def test_no_two_parts_share_a_title_and_none_is_a_name_in_code():
    for parts in (ATTACKS, {**AGGREGATORS, **STAGES}, MODELS):
        titles = {part_title(name) for name in parts}
        assert len(titles) == len(parts)
        assert titles.isdisjoint(parts)


def test_a_value_is_named_by_what_its_option_is():
    assert value_title("attack", "lie") == "LIE"
    assert value_title("dataset", "ml-1m") == "ML-1M"
    assert value_title("lie", "lie") == "lie"
    assert value_title("malicious_ratio", 0.05) == "0.05"
    assert value_title("attack", "x\x1b") == "x\\x1b"

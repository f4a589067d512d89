"""Names that studies show."""

from experiments.studies.names import dataset_title, part_title
from jaxfr.aggregators import AGGREGATORS
from jaxfr.models import MODELS


def test_the_papers_names_are_used():
    assert dataset_title("ml-100k") == "ML-100K"
    assert part_title("none") == "Clean"
    assert part_title("spattack_o_d") == "Spattack-O-D"
    assert part_title("trimmed_mean") == "TrimM"


def test_a_users_own_data_are_named_by_their_file():
    assert dataset_title("some/folder/log.csv") == "log"
    assert dataset_title("some/folder/") == "folder"


def test_what_the_paper_does_not_name_keeps_its_name():
    assert part_title("fang_full_knowledge") == "fang_full_knowledge"
    assert part_title("new") == "new"


def test_every_aggregator_and_model_has_a_title():
    assert {part_title(name) for name in AGGREGATORS}.isdisjoint(AGGREGATORS)
    assert {part_title(name) for name in MODELS}.isdisjoint(MODELS)

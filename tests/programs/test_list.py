"""What there is to choose is told by name, and what was misspelt is guessed."""

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.names import parse_metrics
from jaxfr.presets import preset_names
from jaxfr.programs.list import LISTS, listing
from jaxfr.sweeps.request import RUN_OPTIONS


def lines(text: str) -> dict[str, str]:
    pairs = (line.split(maxsplit=1) for line in text.splitlines())
    return {name: told.strip() for name, told in pairs}


def test_without_a_word_all_lists_are_named():
    assert [line.split()[2] for line in listing().splitlines()] == list(LISTS)


@pytest.mark.parametrize("name", LISTS)
def test_each_of_a_list_has_a_sentence_and_a_page_that_begins_with_it(name):
    for one, sentence in lines(listing(name)).items():
        assert sentence.endswith("."), one
        # "metrics" is a list before it is an option.
        assert one in LISTS or f"{one}, of jaxfr list {name}\n\n{sentence}" in listing(
            one
        )


def test_metrics_are_written_as_they_are_asked_for():
    assert list(lines(listing("metrics"))) == ["hr@K", "ndcg@K", "er@K", "percentile"]
    parse_metrics(",".join(lines(listing("metrics"))).replace("K", "10"))


def test_options_and_presets_are_complete():
    assert lines(listing("options")).keys() == RUN_OPTIONS.keys()
    assert list(lines(listing("presets"))) == preset_names()
    assert "--attack=spattack_o_d" in listing("main").splitlines()


def test_a_page_tells_of_options_with_their_defaults():
    page = listing("lie")
    assert "  lie_z=none: how many deviations" in page
    assert "  scope=dense: " in page
    assert "Args" not in page


def test_what_is_in_no_list_is_guessed():
    with pytest.raises(InvalidInputError, match="did you mean attacks"):
        listing("atacks")


def test_a_part_of_ones_own_has_a_page_like_those_of_the_catalogue(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import jaxfr as fr\n"
        "def my_stage(limit: fr.Number, share: fr.Number = 0.5) -> fr.Stage:\n"
        '    """Leaves out what is too long.\n\n    Args:\n'
        '        limit: of a row.\n    """\n'
    )
    title, _, sentence, _, *options = listing(f"{file}:my_stage").splitlines()
    assert (title, sentence) == (f"{file}:my_stage", "Leaves out what is too long.")
    assert options == ["  limit (must be given): of a row.", "  share=0.5"]
    with pytest.raises(InvalidInputError, match="has no function 'my_stag'; there are"):
        listing(f"{file}:my_stag")
    told = f"{file}:my_stage  Leaves out what is too long."
    assert listing(str(file)) == listing(f"{file}:") == told

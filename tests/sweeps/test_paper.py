"""The word for what the paper compares."""

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.paper import IN_PAPER, read_parts


def test_the_word_stands_for_the_papers_parts_and_none_comes_twice():
    attacks = read_parts("attack", ["none", "lie", " paper", "promote"], "fedmf")
    of_paper = [name for name in IN_PAPER["attack"] if name != "lie"]
    assert [str(one) for one in attacks] == ["none", "lie", *of_paper, "promote"]
    rules = read_parts("aggregator", ["paper"], "fedmf")
    assert [str(one) for one in rules] == [*IN_PAPER["aggregator"]]


def test_what_of_the_paper_a_model_cannot_have_is_left_out_and_told():
    said = []
    found = read_parts("attack", ["paper"], "fedgnn", said.append)
    left_out = {*IN_PAPER["attack"]} - {str(one) for one in found}
    assert left_out == {"label_flip", "fed_attack"}
    assert [line.split()[:3] for line in said] == [
        ["left", "out:", "attack=label_flip:"],
        ["left", "out:", "attack=fed_attack:"],
    ]


def test_what_is_named_by_itself_must_be_possible():
    with pytest.raises(InvalidInputError, match="attack=label_flip: needs a model"):
        read_parts("attack", ["label_flip"], "fedgnn")

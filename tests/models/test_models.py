"""Models by name, of the size that they are made with."""

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.models import MODELS, fedgnn


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_the_embedding_size_that_it_is_made_with(name):
    assert MODELS[name](embedding_dim=7).make().embedding_dim == 7
    assert MODELS[name]().make().embedding_dim == 32
    with pytest.raises(InvalidInputError, match="embedding_dim=0"):
        MODELS[name](embedding_dim=0)


def test_a_model_says_how_many_neighbours_a_client_is_sent_for_each_item():
    assert fedgnn(4, neighbours_per_item=2).make().neighbours_per_item == 2
    assert not any(make().make().neighbours_per_item for make in MODELS.values())
    with pytest.raises(InvalidInputError, match="neighbours_per_item=-1"):
        fedgnn(neighbours_per_item=-1)

import pytest

from jaxfr.data.columns import Columns, columns_by_number, find_columns
from jaxfr.errors import InvalidInputError


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["user_id", "item_id", "rating", "timestamp"], Columns(0, 1, 3)),
        (["user_id:token", "item_id:token", "rating:float"], Columns(0, 1, None)),
        (["Timestamp", "movieId", "userId"], Columns(2, 1, 0)),
        (["196", "242", "881250949"], None),
    ],
)
def test_columns_are_found_by_name(names, expected):
    assert find_columns(names, "file") == expected


def test_a_header_with_half_of_the_names_is_refused():
    with pytest.raises(InvalidInputError, match=r"file: the header must name"):
        find_columns(["user", "colour"], "file")


def test_without_names_the_number_of_columns_decides():
    assert columns_by_number(2, "file") == Columns(0, 1, None)
    assert columns_by_number(3, "file") == Columns(0, 1, 2)
    assert columns_by_number(4, "file") == Columns(0, 1, 3)


@pytest.mark.parametrize("width", [0, 1, 5])
def test_other_numbers_of_columns_need_names(width):
    with pytest.raises(InvalidInputError, match=rf"file: {width} columns; expected"):
        columns_by_number(width, "file")

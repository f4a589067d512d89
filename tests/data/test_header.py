import pytest

from jaxfr.data.header import has_header
from jaxfr.errors import InvalidInputError


def _rows(text):
    return [line.split(",") for line in text.split()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("listener,track ann,abba bob,cher", True),  # known words
        ("user,item,0 1,2,3", True),
        ("foo,bar 1,2", True),  # a number is below
        ("foo,bar u1,i2 u3,i4", True),  # digits are below
        ("foo,bar,baz ann,abba,2001-09-09", True),
        ("1,2 3,4", False),
        ("ann,5 bob,6", False),
        ("ann,abba,2001-09-09 bob,cher,2001-09-10", False),
        ("u1,i2 u3,i4", False),
        ("ann,abba bob,cher ann,cher", False),  # a value that returns
        ("ann,Game ann,abba bob,cher", False),  # one known word is no sign
    ],
)
def test_names_are_known_or_differ_from_the_values_below(text, expected):
    assert has_header(_rows(text), "file") is expected


@pytest.mark.parametrize(
    "text",
    [
        "foo,bar ann,abba bob,cher",
        "foo,bar",
        "foo\x1b,bar ann,abba",
        "foo1,bar2 3,4",  # names with digits, or ids among numbers
        "ann,foo ann,3 bob,4",  # a sign for either
    ],
)
def test_what_cannot_be_told_is_refused_with_the_flag_that_tells(text):
    with pytest.raises(
        InvalidInputError, match=r"file: .*--header=yes or --header=no"
    ) as error:
        has_header(_rows(text), "file")
    assert str(error.value).isprintable()

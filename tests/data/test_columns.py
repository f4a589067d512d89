import pytest

from jaxfr.data.columns import Column, Columns, find_columns
from jaxfr.data.options import TableOptions
from jaxfr.data.times import Looks
from jaxfr.errors import InvalidInputError

LOOKS = {"n": Looks.NUMBERS, "m": Looks.MOMENTS, "d": Looks.DATES, "t": Looks.TEXT}


def _find(names, looks=None, **options):
    """Finds columns by names, or by looks only, one letter for each column."""
    looks = looks or "n" * len(names)
    columns = [
        Column(name, LOOKS[letter])
        for name, letter in zip(names or [None] * len(looks), looks, strict=True)
    ]
    return find_columns(columns, TableOptions(**options), "file")


@pytest.mark.parametrize(
    ("names", "looks", "expected"),
    [
        ("user_id item_id rating timestamp", "nnnn", (0, 1, 3, 2)),
        ("user_id:token item_id:token rating:float", "nnn", (0, 1, None, 2)),
        ("Timestamp movieId userId", "nnn", (2, 1, 0, None)),
        ("member book rating", "ttn", (0, 1, None, 2)),
        ("reviewerID asin overall reviewTime unixReviewTime", "ttntm", (0, 1, 4, None)),
        ("user_id user_name track_id track", "ntnt", (0, 2, None, None)),
        ("user_id item_id plays seen", "nnmd", (0, 1, 3, 2)),
        ("user item release_date created_at", "nndd", (0, 1, 3, None)),
        ("index user item", "nnn", (1, 2, None, None)),
        ("foo bar baz", "nnm", (0, 1, 2, None)),
        ("foo bar plays", "nnm", (0, 1, None, 2)),
    ],
)
def test_columns_are_found_by_name(names, looks, expected):
    assert _find(names.split(), looks) == Columns(*expected)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ("nn", (0, 1, None, None)),
        ("nnm", (0, 1, 2, None)),
        ("mmd", (0, 1, 2, None)),
        ("nnnm", (0, 1, 3, 2)),
        ("nnmn", (0, 1, 2, 3)),
    ],
)
def test_without_names_order_decides_and_the_time_must_look_like_one(looks, expected):
    assert _find([], looks) == Columns(*expected)


@pytest.mark.parametrize(
    ("names", "options", "expected"),
    [
        ("a b c", {"time_column": "c"}, (0, 1, 2, None)),
        ("a b c", {"time_column": "1"}, (1, 2, 0, None)),
        ("a b c", {"rating_column": "c"}, (0, 1, None, 2)),
        ("a b c", {"time_column": "none"}, (0, 1, None, 2)),
        ("a b c d e", {"user_column": "e", "item_column": "2"}, (4, 1, None, None)),
        ("user item time", {"time_column": "NONE"}, (0, 1, None, None)),
        ("user:token item:token", {"user_column": "item"}, (1, 0, None, None)),
        ("user item index", {"time_column": "index"}, (0, 1, 2, None)),
    ],
)
def test_what_was_said_goes_before_names_and_order(names, options, expected):
    if names.startswith("user:token"):
        options = options | {"item_column": "user"}
    assert _find(names.split(), **options) == Columns(*expected)


@pytest.mark.parametrize(
    ("names", "looks", "message"),
    [
        ("user colour", "nt", "must name a user and an item column.*--item_column"),
        ("user item created_at updated_at", "nnmm", "created_at.* or updated_at.*none"),
        ("artist_id track_id user", "nnn", "item may be artist_id.*--item_column"),
        ("user item foo", "nnm", "foo .*may be a time.*--time_column=none"),
        ("user item release_date", "nnd", "release_date .*may be a time"),
        ("foo bar baz", "nnn", "baz .*may be a time, a rating"),
        ("a b c d e", "nnnnm", "5 columns; expected user, item"),
        ("", "n", "1 columns; expected user, item"),
        ("", "nnn", "column 3 may be a time, a rating"),
        ("", "nnnn", "column 3 or column 4 may be a time"),
        ("", "nnmm", "column 3 or column 4 may be a time"),
        ("", "nnnnm", "5 columns; expected"),
    ],
)
def test_what_may_be_one_thing_or_another_is_refused(names, looks, message):
    with pytest.raises(InvalidInputError, match=f"file: .*{message}") as error:
        _find(names.split(), looks)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"user_column": "nobody"}, "user_column='nobody': there is no such column"),
        ({"item_column": "4"}, "item_column='4': there is no such column"),
        ({"time_column": "0"}, "time_column='0': there is no such column"),
        ({"time_column": "twice"}, "time_column='twice': several columns"),
        ({"user_column": "1", "item_column": "user"}, "cannot be two things"),
    ],
)
def test_a_column_that_cannot_be_meant_is_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        _find(["user", "twice", "twice"], **options)


def test_the_columns_are_told_with_what_is_not_used():
    names = ["user", "item", "stars", "a\x1bb", "date"]
    columns = [Column(name, Looks.DATES) for name in names]
    options = TableOptions(time_column="none")
    assert find_columns(columns, options, "file").describe(columns) == (
        "user=user (column 1), item=item (column 2), time=none (file order decides), "
        "rating=stars (column 3), which is dropped; not used: a\\x1bb (column 4), "
        "date (column 5)"
    )

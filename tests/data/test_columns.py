"""Which column is what, by names, looks and order, and whether a row is names."""

import pytest

from jaxfr.data.column_names import Role, has_header, named_role
from jaxfr.data.columns import Column, Columns, TableOptions, find_columns
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
        ("reviewerID asin overall reviewTime unixReviewTime", "ttntm", (0, 1, 4, 2)),
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


@pytest.mark.parametrize("given", [{}, {"user_column": "wer", "item_column": "was"}])
def test_what_was_not_said_is_found_as_if_nothing_was(given):
    names = ["wer", "was", "note", "zeit"]
    for looks in ("ttnm", "ttnd"):
        assert _find(names, looks, **given) == Columns(0, 1, 3, 2)
    with pytest.raises(InvalidInputError, match=r"note .* or zeit .*may be a time"):
        _find(names, "ttnt", **given)


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
        ({"user_column": "usr"}, "there is no such column; did you mean user?"),
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


def test_a_rating_that_is_asked_for_must_be_one_and_is_told():
    names, options = ["user", "item", "plays", "likes"], TableOptions(min_rating=2.5)
    with pytest.raises(InvalidInputError, match=r"rating may be plays .* or likes"):
        _find(names, min_rating=2.5)
    with pytest.raises(InvalidInputError, match="min_rating=nan: must be a number"):
        TableOptions(min_rating=float("nan"))
    with pytest.raises(InvalidInputError, match=r"no rating;.*say --rating_column"):
        _find(names[:2], min_rating=2.5)
    columns = [Column(name, Looks.NUMBERS) for name in names[:3]]
    told = find_columns(columns, options, "file").describe(columns, options.min_rating)
    assert told.endswith("rating=plays (column 3), which must be 2.5 or more")


# --- names ---

NAMES = {
    Role.USER: "user_id userId User-ID userid reviewerID listener member visitorid "
    "customer_id user_name user_id:token",
    Role.ITEM: "item_id movieId ISBN asin parent_asin track book business_id artistID "
    "movie_title item_id:token songs",
    Role.TIME: "timestamp unixReviewTime datetime date last_watch_dt review_date "
    "created_at rated_at rating_timestamp event_time timestamp:float time_ms Time",
    Role.RATING: "rating Book-Rating score stars count weight plays play_time playtime "
    "hours watched_pct total_dur time_spent date_count user_rating rating:float "
    "overall",
    Role.INDEX: "index __index_level_0__ level_0 Unnamed:0",
    Role.OTHER: "release_date birth_date",
    None: "foo user_age movie_genre candidate_id session_id watch_time id u1",
}


@pytest.mark.parametrize("role", NAMES)
def test_names_are_understood_by_their_words(role):
    for name in NAMES[role].split():
        named = named_role(name)
        assert (name, named and named.role) == (name, role)


def test_the_first_column_that_pandas_writes_has_no_name():
    assert named_role("") == (Role.INDEX, 0)


# --- the first row ---


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

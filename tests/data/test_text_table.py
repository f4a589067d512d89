"""Tables of interactions as text."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.data.columns import TableOptions
from jaxfr.data.dataset import contiguous_ids
from jaxfr.data.text_table import read_table
from jaxfr.errors import InvalidInputError


def _read(text, separator: str | None = ",", **options):
    stream = io.StringIO(text, newline="")
    return read_table(stream, separator, "file", TableOptions(**options))[0]


@pytest.mark.parametrize(
    ("text", "time_column"),
    [
        ("7,3,10\n8,3,12\n7,5,11\n", "3"),
        ("7, 3, 10\r\n\r\n8, 3, 12\r\n7, 5, 11", "3"),
        ("user,item,timestamp\n7,3,10\n8,3,12\n7,5,11\n", None),
        ("who,what,when\n7,3,10\n8,3,12\n7,5,11\n", None),
        ("time,rating,user_id,item_id\n10,1,7,3\n12,2.5,8,3\n11,,7,5\n", None),
        ("7,3,4,10\n8,3,4,12\n7,5,4,11\n", "4"),
        ('ann,"x, y",10.0\nbob,"x, y",12\nann,z,1.1e1\n', "3"),
        ("ann , x,10\nbob,x ,12.0\n\nann,z,11\n", "3"),
    ],
)
def test_the_same_interactions_are_read_however_they_are_written(text, time_column):
    found = _read(text, time_column=time_column)
    assert contiguous_ids(found.users).tolist() == [0, 1, 0]
    assert contiguous_ids(found.items).tolist() == [0, 0, 1]
    assert found.timestamps is not None
    assert found.timestamps.tolist() == [10, 12, 11]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["2001-09-09", "2001-09-11", "2001-09-10"], [0, 2, 1]),
        (["2001-09-09 10:00", "2001-09-09T10:00:00.002", "2001-09-09"], [1, 2, 0]),
        (
            ["2001-09-09T10:00Z", "2001-09-09T10:00-01:00", "2001-09-09T12:00+03"],
            [1, 2, 0],
        ),
        (["31.1.2001", "02.02.2001 9:30", "02.02.2001"], [0, 2, 1]),
        (["1000000001", "1000000003", "1000000002"], [0, 2, 1]),
        (["1000000001.5", "1000000003", "1000000002"], [0, 2, 1]),
    ],
)
def test_times_are_numbers_or_dates_in_their_order(times, expected):
    rows = "\n".join(f"a,x{number},{time}" for number, time in enumerate(times))
    for text in (rows, "user,item,last_watch_dt\n" + rows):
        found = _read(text).timestamps
        assert found is not None
        assert np.argsort(np.argsort(found)).tolist() == expected


@pytest.mark.parametrize("rating", ["{}", "{}.0", " {}", '"{},0"'])
def test_rows_that_are_rated_too_low_are_left_out(rating):
    rows = [(7, 3, 4), (8, 3, 1), (7, 5, 5), (9, 9, 3)]
    text = "".join(f"{u},{i},{rating.format(r)}\n" for u, i, r in rows)
    found = _read(f"user,item,stars\n{text}", min_rating=4)
    assert contiguous_ids(found.users).tolist() == [0, 0]
    assert contiguous_ids(found.items).tolist() == [0, 1]
    assert found.rated_below == 2


@pytest.mark.parametrize("rating", ["1,000", "1,234.5", "four", "", "4,0,0"])
def test_a_rating_that_may_be_another_number_is_shown(rating):
    text = f"user;item;stars\na;x;3,5\nb;y;{rating}\n"
    told = f"line 3: a rating that is not a number (as 4, 4.5 or 4,5): '{rating}'"
    with pytest.raises(InvalidInputError, match=re.escape(told)):
        _read(text, ";", min_rating=3)


def test_quotes_mean_something_beside_semicolons():
    text = '"User-ID";"ISBN";"Book-Rating"\n"1";"a;b";"0"\n"2";"c";"5"\n'
    found = _read(text)
    assert (found.user_ids, found.items.tolist()) == (["1", "2"], [0, 1])


def test_blanks_in_cells_of_a_csv_file_separate_nothing():
    found = _read('"user id";"item id"\n"Ann B";"x y"\n"Cid D";"z y"\n')
    assert found.user_ids == ["Ann B", "Cid D"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n4 5\n6 7 8 9\n", "cannot be told.*from a folder with train.txt"),
        ("a;b,c\nd;e,f\n", "may be semicolons or commas"),
        ("1 2 3,5\n2 3 4,5\n", "may be commas or blanks"),
        ("1\n2\n", "cannot be told; in a file that ends in .csv it is commas"),
    ],
)
def test_a_separator_that_may_be_one_or_another_is_refused(text, message):
    with pytest.raises(InvalidInputError, match=f"file: .*{message}") as error:
        _read(text, separator=None)
    assert "\n" not in str(error.value)


def test_blanks_within_cells_are_none_between_cells():
    found = _read("7\t3\t2001-09-09 10:00\n8\t3\t2001-09-09 09:00\n", separator=None)
    assert found.users.tolist() == [0, 1]
    assert found.timestamps is not None


def test_without_a_time_column_there_are_no_timestamps():
    for text in ("a1,x\nb1,y\n", "user,item\na,x\nb,y\n", "1,2\n3,4\n"):
        assert _read(text).timestamps is None


def test_quotes_mean_nothing_between_tabs():
    found = _read('a\t"x\t1\nb\ty"\t2\n', "\t", time_column="3")
    assert (found.users.tolist(), found.items.tolist()) == ([0, 1], [0, 1])


def test_a_text_id_far_below_numbers_is_a_text_id():
    rows = [f"{row % 50},{row % 7},{row}" for row in range(3000)] + ["x,7b,9"]
    found = _read("\n".join(rows), time_column="3")
    assert (found.users[-1], found.items[-1]) == (50, 7)
    assert found.timestamps is not None
    assert (found.timestamps[2999], found.timestamps[3000]) == (2999, 9)


def test_an_id_may_have_any_number_of_digits():
    found = _read(f"1,{'9' * 5000}\n1,{'9' * 4999}8\n")
    assert found.items.tolist() == [0, 1]


def test_what_the_file_calls_a_user_is_kept():
    assert _read("b7,1\na7,1\nb7,2\n").user_ids == ["b7", "a7"]


def test_whole_number_timestamps_keep_all_their_digits():
    found = _read("a,x,1700000000000000001\nb,y,1700000000000000002\n")
    assert found.users.tolist() == [0, 1]
    assert found.timestamps is not None
    assert found.timestamps.tolist() == [1700000000000000001, 1700000000000000002]


NOW = 10**9
MANY = [f"a,x,{NOW}"] * 5000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        ("\n1,2\n", "empty first line"),
        ("user,item\n", "no rows below the header"),
        ("1\n2\n", "1 columns; expected user, item"),
        (f"1,2,{NOW}\n1,2\n", "line 2: another number of columns"),
        (f"1,2,{NOW}\n1,2,3,4\n", "line 2: another number of columns"),
        ("user,item\n1,2\n\n,3\n", "line 4: an empty id"),
        ("a,x\na, \n", "line 2: an empty id"),
        (f"a,x,{NOW}\nb,y,late\n", "line 2: a timestamp that is not a number: 'late'"),
        (
            "user,item,time\na,x,soon\n",
            "line 2: .* a date .2005-12-31 or 31.12.2005.: 'soon'",
        ),
        (f"a,x,{NOW}\nb,y,nan\n", "line 2: a timestamp that is not finite"),
        (f"a,x,{NOW}\nb,y,1e400\n", "line 2: a timestamp that is not finite"),
        (f"a,x,{NOW}\nb,y,{'9' * 5000}\n", "line 2: a timestamp that is not finite"),
        (f"a,x,{NOW}\nb,y,{2**64}\n", "line 2: a timestamp with more digits than"),
        (f"1,2,{NOW}\n3,4,{2**64}\n", "line 2: a timestamp with more digits than"),
        (f"a,x,{NOW}\nb,y,1_0\n", "line 2: a timestamp that is not a number"),
        (f"a,x,{NOW}\nb,y,2001-09-09\n", "line 2: a timestamp that is not a number"),
        (f"a,x,2001-09-09\nb,y,{NOW}\n", f"line 2: .*not a date .*'{NOW}'"),
        ("a,x,31.1.2001\nb,y,2/28/2001\n", "not a date like the first: '2/28/2001'"),
        (
            "a,x,2001-09-09\nb,y,2001-02-30\n",
            "line 2: a timestamp that is not a date like",
        ),
        (
            "a,x,2001-09-09\nb,y,2001-09-09T10:00Z",
            "line 2: .*zone beside others without",
        ),
        (
            "user,item,time\na,x,09/09/2001\n",
            "line 2: a timestamp that is not a number",
        ),
        ("\n".join([*MANY, "b,x,?"]), "line 5001: a timestamp"),
        ("\n".join([*MANY, "b,x,1.5", f"b,x,{10**17}"]), "line 5002: .*more digits"),
        (
            "\n".join(["a,x,1000000000000000000", *MANY, "b,x,1.5"]),
            "more than 15 digits beside some with fractions",
        ),
        ("1,7\n2.0,8\n2,9\n", "ids 2.0 and 2 stand in one column"),
        ('a,x\nb,"y\n' + "y" * 200_000, "not a table in UTF-8"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(text, message):
    with pytest.raises(InvalidInputError, match=f"file.*{message}") as error:
        _read(text)
    assert "\n" not in str(error.value)


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 99)), min_size=1
    )
)
def test_numbers_and_text_give_the_same_interactions(rows):
    numbers = _read("\n".join(f"{u},{i},{t}" for u, i, t in rows), time_column="3")
    text = _read("\n".join(f"u{u},i{i},{t}" for u, i, t in rows), time_column="3")
    np.testing.assert_array_equal(contiguous_ids(numbers.users), text.users)
    np.testing.assert_array_equal(contiguous_ids(numbers.items), text.items)
    assert numbers.timestamps is not None
    np.testing.assert_array_equal(numbers.timestamps, text.timestamps)

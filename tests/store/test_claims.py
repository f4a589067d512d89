"""Claims among processes: seen by all, void with their owner, exclusive."""

import concurrent.futures
import errno
import os
import queue
import signal

import pytest

from jaxfr.store import claims as claims_module
from jaxfr.store.claims import Claims
from tests.store.processes import let_go, next_line, process, stop

fcntl = pytest.importorskip("fcntl")

# Claims the runs that it is told, starts a program, and waits to be killed.
OWNER = """
import pathlib, subprocess, sys
from jaxfr.store.claims import Claims

claims = Claims(pathlib.Path(sys.argv[1]), "owner")
with claims.alone():
    claims.hold(sys.argv[2:])
subprocess.Popen([sys.executable, "-c", "input()"], stdout=subprocess.DEVNULL,
                 stderr=subprocess.DEVNULL)
print("holding", flush=True)
sys.stdin.read()
"""

# Is alone until it is told to go on.
HOLDER = """
import pathlib, sys
from jaxfr.store.claims import Claims

with Claims(pathlib.Path(sys.argv[1]), "host-7-holder").alone():
    print("alone", flush=True)
    sys.stdin.readline()
"""

# Counts in a file, in a way that loses counts if another one counts meanwhile.
COUNTER = """
import pathlib, sys, time
from jaxfr.store.claims import Claims

folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
claims, counter = Claims(folder, name), folder / "counter"
for _ in range(50):
    with claims.alone():
        count = int(counter.read_text())
        time.sleep(0.0005)
        counter.write_text(str(count + 1))
"""

# Has a disk that holds ten bytes of a file.
FULL = """
import pathlib, resource, signal, sys
from jaxfr.store.claims import Claims

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
claims = Claims(pathlib.Path(sys.argv[1]), "owner")
with claims.alone():
    claims.hold(["a"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
    try:
        claims.hold(["a run of a long name", "another"])
        print("it fits", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
sys.stdin.read()
"""


def seen(claims: Claims) -> frozenset[str]:
    with claims.alone():
        return claims.of_others()


def hold(claims: Claims, *runs: str) -> None:
    with claims.alone():
        claims.hold(runs)


def claim_files(folder) -> list[str]:
    return sorted(path.name for path in folder.glob("*.claim"))


def test_all_see_what_others_claimed_last_and_leave_no_file(tmp_path):
    descriptors = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    before = len(os.listdir(descriptors))
    one, two, three = (Claims(tmp_path, name) for name in ("one", "two", "three"))
    one.close()
    hold(one)
    assert (seen(one), claim_files(tmp_path)) == (frozenset(), [])
    for runs in (["a" * 1000, "b" * 1000], ["c"], [], ["a", "ü"]):
        hold(one, *runs)
        hold(two, "x")
        assert (seen(one), seen(two)) == ({"x"}, set(runs))
        assert seen(three) == {*runs, "x"}
    assert claim_files(tmp_path) == ["one.claim", "two.claim"]
    for claims in (one, one, two):
        claims.close()
    assert (seen(three), claim_files(tmp_path)) == (frozenset(), [])
    # One that gave up may claim again.
    hold(one, "a")
    assert seen(two) == {"a"}
    one.close()
    assert len(os.listdir(descriptors)) == before


def test_a_claim_is_void_with_its_process_and_not_while_that_is_stopped(tmp_path):
    claims = Claims(tmp_path, "one")
    with process(OWNER, tmp_path, "a", "b") as owner:
        assert next_line(owner) == "holding"
        stop(owner)
        for _ in range(2):
            assert seen(claims) == {"a", "b"}
        os.kill(owner.pid, signal.SIGCONT)
        assert seen(claims) == {"a", "b"}
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        # The file is still there, and says nothing any more; the program that the owner
        # started still waits for a line, and keeps no claim.
        assert claim_files(tmp_path) == ["owner.claim"]
        assert seen(claims) == frozenset()
        assert claim_files(tmp_path) == []


def test_only_one_process_is_alone_at_a_time(tmp_path):
    (tmp_path / "counter").write_text("0")
    with (
        process(COUNTER, tmp_path, "one") as one,
        process(COUNTER, tmp_path, "two") as two,
        process(COUNTER, tmp_path, "three") as three,
    ):
        for counter in (one, two, three):
            assert counter.communicate() == ("", "")
    assert (tmp_path / "counter").read_text() == "150"


def test_who_waits_for_a_stopped_process_is_told_for_whom(tmp_path, monkeypatch):
    told, claims = queue.Queue(), Claims(tmp_path, "one")
    monkeypatch.setattr(claims_module, "_SECONDS_BEFORE_WORD", 0.01)
    monkeypatch.setattr(claims_module, "note", told.put)
    with (
        process(HOLDER, tmp_path) as holder,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        assert next_line(holder) == "alone"
        stop(holder)
        waiting = pool.submit(seen, claims)
        assert told.get(timeout=60) == (
            f"jaxfr: waiting for host-7-holder, which holds {tmp_path / 'lock'}; was "
            "it stopped?"
        )
        assert not waiting.done()
        os.kill(holder.pid, signal.SIGCONT)
        let_go(holder)
        assert waiting.result(timeout=60) == frozenset()
    assert told.empty()


@pytest.mark.parametrize(
    "content", [b"", b"[", b"7", b'{"a": 1}', b'[7, null, ["a"]]', b"[" * 100_000]
)
def test_a_damaged_claim_claims_nothing(tmp_path, content):
    claims = Claims(tmp_path, "one")
    with open(tmp_path / "other.claim", "wb", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(content)
        assert seen(claims) == frozenset()


def test_what_is_no_claim_is_left_alone_and_a_pipe_is_no_lock(tmp_path):
    os.mkfifo(tmp_path / "other.claim")
    (tmp_path / "notes.txt").write_text("something else")
    (tmp_path / "folder").mkdir()
    assert seen(Claims(tmp_path, "one")) == frozenset()
    assert (tmp_path / "notes.txt").read_text() == "something else"
    (tmp_path / "lock").unlink()
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(OSError, match="lock is no regular file"):
        seen(Claims(tmp_path, "one"))


def _refuse(*_):
    raise PermissionError(errno.EACCES, "refused")


def test_claims_that_cannot_be_listed_are_not_taken_for_none(tmp_path, monkeypatch):
    one, other = Claims(tmp_path, "one"), Claims(tmp_path, "other")
    hold(one, "a")
    with monkeypatch.context() as patch:
        for function in ("listdir", "scandir"):
            patch.setattr(os, function, _refuse)
        with pytest.raises(PermissionError):
            seen(other)
    # What ends alone by an error lets others in.
    assert seen(other) == {"a"}
    one.close()


def test_a_claim_that_does_not_fit_onto_the_disk_is_none(tmp_path):
    with process(FULL, tmp_path) as owner:
        assert next_line(owner) == os.strerror(errno.ENOSPC)
        # The owner lives, and others can read what it claims: nothing.
        assert seen(Claims(tmp_path, "one")) == frozenset()
        assert claim_files(tmp_path) == ["owner.claim"]


def _refusing(number: int):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    return flock


@pytest.mark.parametrize(
    "without",
    [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, None],
)
def test_without_locks_nothing_is_claimed_and_that_is_said_once(
    tmp_path, monkeypatch, capsys, without
):
    if without is None:
        monkeypatch.setattr(claims_module, "fcntl", None)
    else:
        monkeypatch.setattr(fcntl, "flock", _refusing(without))
    one, other = Claims(tmp_path, "one"), Claims(tmp_path, "other")
    hold(one, "a")
    assert str(tmp_path) in (said := capsys.readouterr().err)
    assert said.endswith("may do a run twice\n")
    assert said.count("\n") == 1
    hold(one, "b")
    assert seen(one) == frozenset()
    one.close()
    assert capsys.readouterr() == ("", "")
    assert seen(other) == frozenset()
    assert claim_files(tmp_path) == []


def test_another_failure_of_a_lock_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", _refusing(errno.EIO))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        hold(Claims(tmp_path, "one"), "a")

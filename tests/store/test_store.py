"""A store as those see it who write to it and read it, alone and at once."""

import contextlib
import itertools
import os
import pathlib
import shutil
import tempfile
from collections.abc import Mapping

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from jaxfr.errors import InvalidInputError
from jaxfr.store import Store, look_into_store, open_store, read_store
from jaxfr.store.lines import encode_line, run_of_line
from tests.store.samples import files_of, fill, lines_of, record, runs_of

pytest.importorskip("fcntl")


def lacks_value(read: Mapping[str, object]) -> str | None:
    return None if isinstance(read.get("value"), int) else "has no value"


def test_records_are_read_in_their_order_or_in_that_of_the_choice(tmp_path):
    with open_store(tmp_path) as store:
        assert store.records() == []
        store.append([record("b", 1.5), record("a", [1, None])])
        store.append([record("c")])
        store.append([])
        expected = [record("b", 1.5), record("a", [1, None]), record("c")]
        assert store.records() == expected
        assert read_store(tmp_path) == expected
        assert len(files_of(tmp_path)) == 1
        fill(tmp_path, "d", "e")
        store.refresh()
        for chosen in itertools.permutations("abcde"):
            assert [read["run"] for read in store.records(chosen)] == list(chosen)
        assert store.records("bab") == [expected[0], expected[1], expected[0]]
        assert store.records([]) == []
        with pytest.raises(KeyError):
            store.records(["x"])


def test_the_first_open_runs_are_claimed_and_given_up_by_the_next_word(tmp_path):
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        store.append([record("b")])
        assert store.claim("abcde", 2) == ("a", "c")
        assert other.claim("abcde", 2) == ("d", "e")
        assert store.in_other_hands("abcdx") == {"d"}
        assert other.in_other_hands("abcdx") == {"a", "c"}
        # What was claimed before is given up, and may be claimed again.
        assert store.claim("edcba", 1) == ("c",)
        assert other.claim("abcde", 9) == ("a", "d", "e")
        assert store.claim("c", 0) == ()
        assert other.claim("c", 1) == ("c",)
        other.append([])
        with contextlib.suppress(KeyboardInterrupt), open_store(tmp_path) as third:
            assert third.claim("c", 1) == ("c",)
            raise KeyboardInterrupt
        assert store.claim("c", 1) == ("c",)
        store.close()
        assert other.claim("c", 1) == ("c",)


def test_what_others_append_is_seen_at_the_next_look_and_kept_once(tmp_path):
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        other.append([record("a", 1)])
        assert not store.is_finished("a")
        store.refresh()
        assert store.is_finished("a")
        store.append([record("a", 2), record("b", 2)])
        other.append([record("b", 3), record("c", 3), record("c", 4)])
        assert store.claim("abcd", 9) == ("d",)
        expected = [record("a", 1), record("b", 2), record("c", 4)]
        assert sorted(store.records(), key=lambda read: read["run"]) == expected
    assert len(lines_of(tmp_path)) == 3


def test_what_would_not_be_read_is_not_written(tmp_path):
    with open_store(tmp_path, check=lacks_value) as store:
        store.append([record("a", 1)])
        before = lines_of(tmp_path)
        with pytest.raises(ValueError, match="the record of b has no value"):
            store.append([record("c", 1), record("b")])
        with pytest.raises(ValueError, match="not JSON compliant"):
            store.append([record("c", 1), record("b", 1) | {"x": float("nan")}])
        assert lines_of(tmp_path) == before
        store.append([record("b", 1)])
    assert runs_of(tmp_path) == ["a", "b"]


def test_without_locks_nothing_is_lost(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("jaxfr.store.claims.fcntl", None)
    with open_store(tmp_path) as store, open_store(tmp_path) as other:
        for _ in range(2):
            assert store.claim("abc", 2) == other.claim("abc", 2) == ("a", "b")
        store.append([record("a"), record("b")])
        assert other.in_other_hands("abc") == frozenset()
        assert other.claim("abc", 9) == ("c",)
        other.append([record("a"), record("c")])
    # Each of the two says it once.
    assert capsys.readouterr().err.count("may do a run twice\n") == 2
    assert sorted(runs_of(tmp_path)) == ["a", "b", "c"]


def test_a_run_of_other_code_counts_only_if_any_code_does(tmp_path):
    fill(tmp_path, "1111-old", "2222-new")
    wanted = ["1111-new", "2222-new", "3333-new"]
    with open_store(tmp_path) as store:
        assert [store.is_finished(run) for run in wanted] == [False, True, False]
        assert store.claim(wanted, 9) == ("1111-new", "3333-new")
    with open_store(tmp_path, any_code=True) as store:
        assert [store.is_finished(run) for run in wanted] == [True, True, False]
        assert store.claim(wanted, 9) == ("3333-new",)
        assert store.records(wanted[:2]) == [record("1111-old"), record("2222-new")]
        # A run of the wanted code comes before one of any.
        store.append([record("1111-new")])
        assert store.records(wanted[:2]) == [record("1111-new"), record("2222-new")]
        assert store.records(["1111-old"]) == [record("1111-old")]
    store = look_into_store(tmp_path, any_code=True, check=lacks_value)
    assert store is not None
    assert not store.is_finished("2222-old")  # as its line is no record


def test_looking_makes_and_writes_nothing(tmp_path):
    assert look_into_store(tmp_path / "store") is None
    with pytest.raises(InvalidInputError, match="there is no result store"):
        read_store(tmp_path / "store")
    assert look_into_store(tmp_path) is not None
    assert list(tmp_path.iterdir()) == []
    fill(tmp_path, "a")
    shutil.rmtree(tmp_path / "claims")
    before = sorted(tmp_path.rglob("*"))
    store = look_into_store(tmp_path)
    assert store is not None
    assert store.is_finished("a")
    store.close()
    assert sorted(tmp_path.rglob("*")) == before


def test_stores_are_merged_by_copying_files(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    fill(here, "a", "b")
    with open_store(there) as store:
        store.append([record("b", "another"), record("c")])
    (source,) = files_of(there)
    with open_store(here) as store:
        assert store.claim("abc", 9) == ("c",)
        for _ in range(2):  # copied again, nothing changes
            shutil.copy(source, here / "records")
            assert store.claim("abcd", 9) == ("d",)
            # What was read stays when another record of its run comes.
            assert store.records() == [record(run) for run in "abc"]
        # Who copies a file that has grown adds what is new.
        with source.open("ab") as file:
            file.write(encode_line(record("d")))
        shutil.copy(source, here / "records")
        assert store.claim("abcde", 9) == ("e",)
        store.append([record("e")])
    assert sorted(runs_of(here)) == list("abcde")
    assert sorted(runs_of(there)) == list("bcd")


OTHERS = b'{"round": 1, "hr@10": 0.5}\n{"run": "a", "hr@10": 0.5}\n'


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (OTHERS, 2),
        (bytes(range(256)) * 20 + b"\n", 21),
        (encode_line(record("a")).replace(b"null", b"true"), 1),
        (b"\n\r\n  \n" + OTHERS, 2),
        (encode_line(record("x"))[:-5] + encode_line(record("a")), 1),
        # A last line without an end may be one that is being written.
        (OTHERS[:-1], 1),
        (b"\x00" * 5000, 0),
    ],
)
def test_foreign_lines_are_told_once_and_change_nothing_else(
    tmp_path, capsys, content, lines
):
    fill(tmp_path, "b")
    foreign = tmp_path / "records" / "results.jsonl"
    foreign.write_bytes(content)
    (tmp_path / "records" / "notes.txt").write_text("something else\n")
    with open_store(tmp_path) as store:
        told = capsys.readouterr().err
        assert store.claim("abc", 9) == ("a", "c")
        store.append([record("a", 1)])
        assert len(store.damaged) == lines
    assert sorted(runs_of(tmp_path)) == ["a", "b"]
    assert foreign.read_bytes() == content
    # Each who opens the store is told once, here the reader.
    assert capsys.readouterr().err == told
    assert told.count("\n") == min(lines, 1)
    if lines > 0:
        assert told.startswith(f"jaxfr: {tmp_path}: {lines} damaged or foreign lines")
        assert "results.jsonl at byte " in told


def test_a_damaged_line_is_named_and_its_run_is_open(tmp_path, capsys):
    fill(tmp_path, "a", "b", "c")
    (file,) = files_of(tmp_path)
    content = bytearray(file.read_bytes())
    start = content.index(b"\n") + 1
    content[start + 20] ^= 4
    file.write_bytes(content)
    with open_store(tmp_path) as store:
        assert f"({file.name} at byte {start})" in capsys.readouterr().err
        assert store.claim("abc", 9) == ("b",)
        assert store.records() == [record("a"), record("c")]
        store.append([record("b")])
    assert sorted(runs_of(tmp_path)) == ["a", "b", "c"]


def test_a_line_that_is_no_record_is_told_once_and_its_run_is_open(tmp_path, capsys):
    with open_store(tmp_path) as store:
        store.append([record("a", 1), record("b", "text"), record("c", 3)])
    (file,) = files_of(tmp_path)
    place = file.read_bytes().index(b'{"run": "b"')
    with open_store(tmp_path, check=lacks_value) as store:
        assert capsys.readouterr().err == ""
        assert [store.is_finished(run) for run in "abc"] == [True, False, True]
        assert store.claim("abc", 9) == ("b",)
        assert store.records() == [record("a", 1), record("c", 3)]
        assert capsys.readouterr().err == (
            f"jaxfr: {tmp_path}: a line in records counts for nothing, its run as not "
            f"done: {file.name} at byte {place} has no value\n"
        )
        assert store.damaged == [f"{file.name} at byte {place}"]
        store.append([record("b", 2)])
        assert store.records("abc") == [record("a", 1), record("b", 2), record("c", 3)]
    # What was done anew stands behind the line that counts for nothing.
    found = read_store(tmp_path, lacks_value)
    assert sorted(read["value"] for read in found) == [1, 2, 3]
    # Of many such lines three are shown.
    fill(tmp_path, *"xyzuv")
    capsys.readouterr()
    assert len(read_store(tmp_path, lacks_value)) == 3
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    assert told[-1].endswith("further ones are not shown")


RUNS = [f"{index}-code" for index in range(6)]
STORES = st.integers(0, 2)
SOME_RUNS = st.lists(st.sampled_from(RUNS), unique=True)


class ThreeAtOneStore(RuleBasedStateMachine):
    """Three who write to one folder, against a dictionary and a set for each."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.path = pathlib.Path(folder)
        self.stores = [self._open() for _ in range(3)]
        self.held: list[set[str]] = [set(), set(), set()]
        self.finished: dict[str, int] = {}
        self.values = itertools.count()

    def _open(self) -> Store:
        return self.stack.enter_context(open_store(self.path))

    def _held_by_others(self, index: int) -> set[str]:
        return set().union(*(self.held[i] for i in range(3) if i != index))

    @rule(index=STORES, runs=SOME_RUNS, at_most=st.integers(0, 4))
    def claim(self, index: int, runs: list[str], at_most: int) -> None:
        taken = self._held_by_others(index) | set(self.finished)
        expected = [run for run in runs if run not in taken][:at_most]
        assert self.stores[index].claim(runs, at_most) == tuple(expected)
        self.held[index] = set(expected)

    @rule(index=STORES, runs=SOME_RUNS)
    def append(self, index: int, runs: list[str]) -> None:
        values = {run: next(self.values) for run in runs}
        self.stores[index].append([record(*item) for item in values.items()])
        self.finished = values | self.finished
        self.held[index] = set()

    @rule(index=STORES)
    def open_again(self, index: int) -> None:
        self.stores[index].close()
        self.stores[index] = self._open()
        self.held[index] = set()

    @rule(index=STORES)
    def die(self, index: int) -> None:
        """What the system does for a process that is killed."""
        claims = self.stores[index]._claims
        if claims._mine is not None:
            os.close(claims._mine)
            claims._mine = None
        self.open_again(index)

    @rule(index=STORES, data=st.data())
    def leave_half_a_line(self, index: int, data: st.DataObject) -> None:
        """What a process leaves that is killed while it writes."""
        line = encode_line(record(data.draw(st.sampled_from(RUNS))))
        cut = data.draw(st.integers(1, len(line) - 1))
        name = f"{next(self.values)}.jsonl"
        (self.path / "records" / name).write_bytes(line[:cut])
        self.die(index)

    @rule(index=STORES)
    def look(self, index: int) -> None:
        in_other_hands = self.stores[index].in_other_hands(RUNS)
        assert in_other_hands == self._held_by_others(index)
        self._assert_all_there(self.stores[index])

    def _assert_all_there(self, store: Store) -> None:
        expected = [record(run, value) for run, value in self.finished.items()]
        assert store.records(list(self.finished)) == expected
        assert len(store.records()) == len(expected)
        finished = {run for run in RUNS if store.is_finished(run)}
        assert finished == set(self.finished)

    @invariant()
    def nothing_is_written_twice(self) -> None:
        whole = [line for line in lines_of(self.path) if line.endswith(b"\n")]
        runs = [run_of_line(line) for line in whole]
        assert sorted(filter(None, runs)) == sorted(self.finished)

    def teardown(self) -> None:
        with self.stack:
            with open_store(self.path) as store:
                self._assert_all_there(store)
            for store in self.stores:
                store.close()
            assert list(self.path.glob("claims/*.claim")) == []


def test_three_at_one_store_agree_with_a_dictionary_and_sets():
    run_state_machine_as_test(
        ThreeAtOneStore,
        settings=settings(max_examples=30, stateful_step_count=30),
    )

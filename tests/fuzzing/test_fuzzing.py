"""Whatever is read is taken for what it is, or refused in one line.

A small part of what ``python -m tests.fuzzing`` tries, the same inputs each time.
"""

import pytest

from tests.fuzzing.judging import judge
from tests.fuzzing.kinds import KINDS, load_attempt
from tests.programs.programs import module, run

INPUTS = {
    **dict.fromkeys(("text_tables", "parquet_tables", "text_pairs"), 100),
    **dict.fromkeys(("sweep_files", "start_values"), 100),
    **dict.fromkeys(("seed_lists", "fields", "suites"), 100),
    "checkpoints": 10,
}


@pytest.mark.parametrize("kind", INPUTS)
def test_inputs_are_taken_for_what_they_are_or_refused_in_one_line(kind, tmp_path):
    attempt, outcomes = load_attempt(kind), set()
    for seed in range(INPUTS[kind]):
        folder = tmp_path / str(seed)
        folder.mkdir()
        verdict = judge(kind, seed, attempt, folder, KINDS[kind].seconds)
        assert verdict.find is None, f"{verdict.find}\n{verdict.find.trace}"
        outcomes.add(verdict.outcome)
    assert "accepted" in outcomes


def test_programs_take_what_they_are_given_or_refuse_it_in_one_line():
    """Apart, since programs have flags of the same names."""
    fuzzing = module("tests.fuzzing")
    done = run("--kinds=sweep_flags,stores", "--inputs=40", program=fuzzing)
    assert done.returncode == 0, done.stdout + done.stderr

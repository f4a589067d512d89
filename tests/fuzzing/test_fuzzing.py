"""Whatever is read is taken for what it is, or refused in one line.

A small part of what ``python -m tests.fuzzing`` tries, the same inputs each time.
"""

import pytest

from tests.experiments.programs import run_python
from tests.fuzzing.judging import judge
from tests.fuzzing.kinds import KINDS, SECONDS, load_attempt

_INPUTS = 100
_FEW = {"checkpoints": 10}
_HERE = [
    name for name, kind in KINDS.items() if not kind.has_flags and name != "training"
]


@pytest.mark.parametrize("kind", _HERE)
def test_inputs_are_taken_for_what_they_are_or_refused_in_one_line(kind, tmp_path):
    attempt, outcomes = load_attempt(kind), set()
    for seed in range(_FEW.get(kind, _INPUTS)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        verdict = judge(kind, seed, attempt, folder, SECONDS)
        assert verdict.find is None, f"{verdict.find}\n{verdict.find.trace}"
        outcomes.add(verdict.outcome)
    assert "accepted" in outcomes


@pytest.mark.parametrize("kind", ["sweep_flags", "stores"])
def test_programs_take_what_they_are_given_or_refuse_it_in_one_line(kind):
    """Apart, since the flags of programs are global."""
    done = run_python("-m", "tests.fuzzing", f"--kinds={kind}", "--inputs=40")
    assert done.returncode == 0, done.stdout + done.stderr

"""The same attempts as ``test_fuzzing.py``, drawn and made small by hypothesis.

HYPOTHESIS_EXAMPLES=5000 tries more of them.
"""

import os
import pathlib
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzzing.judging import judge
from tests.fuzzing.kinds import KINDS, load_attempt

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "25"))


@pytest.mark.parametrize(
    "kind",
    ["text_tables", "text_pairs", "sweep_files", "suites", "seed_lists", "fields"],
)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(source=st.randoms(use_true_random=False))
def test_what_is_read_ends_in_a_result_or_one_line_and_writes_nothing(kind, source):
    with tempfile.TemporaryDirectory() as name:
        verdict = judge(
            kind, 0, load_attempt(kind), pathlib.Path(name), KINDS[kind].seconds, source
        )
    assert verdict.find is None, f"{verdict.find}\n{verdict.find.trace}"

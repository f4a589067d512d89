"""Which parts of a run read which settings."""

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.readers import READERS, check_read
from jaxfr.sweeps.request import RunRequest

# A value that is no default, and what else a run needs in order to read it.
READ = {
    "attack_start": (5, {"attack": "spattack_o_d"}),
    "expected_byzantine": (2, {"aggregator": "krum"}),
    "num_candidates": (20, {}),
    "targets": ("popular:5", {"metrics": "er@10"}),
}


def test_every_option_that_some_runs_do_not_read_is_tried_here():
    assert READ.keys() == READERS.keys()


@pytest.mark.parametrize("name", READ)
def test_an_option_is_refused_unless_a_run_reads_it(name):
    value, needed = READ[name]
    unread = RunRequest().replace(**{name: value}, ranking="full")
    with pytest.raises(InvalidInputError, match=f"^{name}={value}: no run reads it"):
        check_read([unread])
    check_read([RunRequest().replace(**{name: value}, **needed)])
    # Such as an attack beside the clean run.
    check_read([unread, RunRequest().replace(**needed)])


def test_the_expected_number_is_not_read_beside_a_trim_share():
    def check(aggregator: str) -> None:
        check_read([RunRequest().replace(aggregator=aggregator, expected_byzantine=2)])

    check("trimmed_mean")
    check("classic_trimmed_mean")
    check("clip_by_norm+classic_trimmed_mean")
    with pytest.raises(InvalidInputError, match="expected_byzantine"):
        check("classic_trimmed_mean:0.1")


def test_a_targeted_attack_reads_the_targets_that_it_promotes():
    check_read([RunRequest().replace(attack="eb", targets="popular:5")])
    with pytest.raises(InvalidInputError, match="or a targeted attack"):
        check_read([RunRequest().replace(attack="ipm", targets="popular:5")])

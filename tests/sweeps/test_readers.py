import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.readers import READERS, check_read
from jaxfr.sweeps.settings import Settings

# A value that is no default, and what else a run needs in order to read it.
READ = {
    "synthetic": ("seed=1", {"dataset": "synthetic"}),
    "scope": ("sparse", {"attack": "fang"}),
    "lie_z": (3.0, {"attack": "lie"}),
    "attack_start": (5, {"attack": "spattack_o_d"}),
    "noise_scale": (2.0, {"attack": "spattack_l_s"}),
    "max_poisoned_items": (9, {"attack": "spattack_o_s"}),
    "expected_byzantine": (2, {"aggregator": "krum"}),
    "trim_form": ("classic", {"aggregator": "trimmed_mean"}),
    "trim_share": (0.1, {"aggregator": "trimmed_mean", "trim_form": "classic"}),
    "krum_distance": ("plain", {"aggregator": "krum"}),
    "num_candidates": (20, {}),
    "targets": ("popular:5", {"metrics": "er@10"}),
}


def test_every_setting_that_some_runs_do_not_read_is_tried_here():
    assert READ.keys() == READERS.keys()


@pytest.mark.parametrize("name", READ)
def test_a_setting_is_refused_unless_a_run_reads_it(name):
    value, needed = READ[name]
    unread = Settings(**{name: value}, ranking="full")
    with pytest.raises(InvalidInputError, match=f"^{name}={value}: no run reads it"):
        check_read([unread])
    check_read([Settings(**{name: value}, **needed)])
    check_read([unread, Settings(**needed)])  # such as an attack beside the clean run


def test_the_expected_number_is_not_read_beside_a_trim_share():
    trimmed = {"aggregator": "trimmed_mean", "expected_byzantine": 2}
    check_read([Settings(**trimmed)])
    check_read([Settings(**trimmed, trim_form="classic")])
    with pytest.raises(InvalidInputError, match="expected_byzantine"):
        check_read([Settings(**trimmed, trim_form="classic", trim_share=0.1)])

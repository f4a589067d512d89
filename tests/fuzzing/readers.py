"""Which settings have others read at all, without which these are refused."""

from collections.abc import Iterable, Mapping
from typing import Any

_READERS: Mapping[str, Mapping[str, Any]] = {
    "scope": {"attack": "lie"},
    "lie_z": {"attack": "lie"},
    "malicious_ratio": {"attack": "spattack_o_d"},
    "attack_start": {"attack": "spattack_o_d"},
    "noise_scale": {"attack": "spattack_l_d"},
    "max_poisoned_items": {"attack": "spattack_o_s"},
    "trim_form": {"aggregator": "trimmed_mean"},
    "trim_share": {"aggregator": "trimmed_mean", "trim_form": "classic"},
    "krum_distance": {"aggregator": "krum"},
    "expected_byzantine": {"aggregator": "krum"},
    "neighbours_per_item": {"model": "fedgnn"},
    "privacy_noise": {"privacy_clip": 1.0},
    "targets": {"metrics": "hr@10,er@10"},
}


def what_reads(names: Iterable[str]) -> dict[str, Any]:
    """Values of other settings with which most of these settings are read."""
    found: dict[str, Any] = {}
    for name in names:
        found |= _READERS.get(name, {})
    return found

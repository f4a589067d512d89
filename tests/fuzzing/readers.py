"""Which options have others read at all, without which these are refused."""

from collections.abc import Iterable, Mapping
from typing import Any

_READERS: Mapping[str, Mapping[str, Any]] = {
    "malicious_ratio": {"attack": "spattack_o_d"},
    "attack_start": {"attack": "spattack_o_d"},
    "expected_byzantine": {"aggregator": "krum"},
    "privacy_noise": {"privacy_clip": 1.0},
    "targets": {"metrics": "hr@10,er@10"},
}


def what_reads(names: Iterable[str]) -> dict[str, Any]:
    """Values of other options with which most of these options are read."""
    found: dict[str, Any] = {}
    for name in names:
        found |= _READERS.get(name, {})
    return found

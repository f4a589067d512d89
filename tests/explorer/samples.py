"""Runs of a small store: two defenses, three attacks, three seeds, a hostile name."""

import itertools
from typing import Any

from tests.records.whole import whole_record

# In HTML, in a script, in CSV.
HOSTILE = "=1+1</script><script>alert('\"x\"')</script><img src=x onerror=alert(1)>"
SEEDS = (0, 1, 2)
HIT_RATIOS = {
    ("mean", "none"): 0.5,
    ("mean", "spattack_o_d"): 0.125,
    ("mean", HOSTILE): 0.25,
    ("median", "none"): 0.375,
    ("median", "spattack_o_d"): 0.3125,
    ("median", HOSTILE): 0.1875,
}


def sample_records() -> list[dict[str, Any]]:
    """A record for each of the above and each seed, which changes the metric a bit."""
    return [
        _record(f"{place:016x}-aaaa0000", rule, attack, seed, value)
        for place, (((rule, attack), value), seed) in enumerate(
            itertools.product(HIT_RATIOS.items(), SEEDS)
        )
    ]


def _record(run: str, rule: str, attack: str, seed: int, value: float) -> dict:
    # No two pairs of seeds differ by the same.
    final = value + seed**2 * (0.01 if rule == "mean" else 0.015)
    metrics = {"hr@5": 0.1, "ndcg@5": 0.1, "hr@10": final, "ndcg@10": 0.1}
    curve = [{"round": 0, **metrics, "hr@10": 0.125}, {"round": 10, **metrics}]
    record = whole_record(run=run, aggregator=rule, attack=attack, seed=seed)
    return record | metrics | {"curve": curve, "hr@10_head": final / 2}

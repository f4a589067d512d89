"""jaxfr: Byzantine attacks on federated recommendation, simulated in JAX.

>>> import jaxfr as fr
>>> data = fr.synthetic_dataset(num_users=40, num_items=300, num_pairs=600)
>>> experiment = fr.Experiment(
...     attack=fr.attacks.spattack_l_d(noise_scale=2.0),
...     aggregator=fr.chain(fr.clip_by_norm(1.0), fr.mean()),
...     malicious_ratio=0.05,
...     num_candidates=9,
... )
>>> (record,) = fr.sweep([experiment], data, rounds=2)
>>> record["attack"], record["aggregator"], record["noise_scale"]
('spattack_l_d', 'clip_by_norm+mean', 2.0)

The main job: ``load_dataset`` or ``synthetic_dataset``, an ``Experiment``, and
``sweep`` (records of many runs) or ``simulate`` (one run as a pure function). What it
is made of is in ``fr.attacks``, ``fr.aggregators``, ``fr.models``, ``fr.optimizers``;
rules, stages and metrics (``hit_ratio``, ``ndcg``, ``percentile``, ``exposure``) are
here, too. A part of one's own is a function under ``part``, which makes a
``LimitedAttack``, a ``Rule``, a ``Stage``, a ``Model`` or a ``Metric``;
``aggregate(rule, uploads_of(rows))`` tries a rule.
"""

import importlib
from typing import TYPE_CHECKING, Any

from jaxfr.errors import nearest
from jaxfr.stopping import end_at_once_while_loading

if TYPE_CHECKING:
    from jaxfr.public import *  # noqa: F403

__version__ = "0.1.0"

end_at_once_while_loading()


def __getattr__(name: str) -> Any:
    """A public name; the first loads all, of which programs may need none."""
    if not name.startswith("_") or name == "__all__":
        public = importlib.import_module("jaxfr.public")
        if hasattr(public, name):
            return getattr(public, name)
        near = nearest(name, public.__all__)
    else:
        near = ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{near}")


def __dir__() -> list[str]:
    return __getattr__("__all__")

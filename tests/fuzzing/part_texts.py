"""Parts of an experiment as texts, and what a record must say of them."""

from collections.abc import Mapping

from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import ATTACKS
from jaxfr.models import MODELS
from jaxfr.optimizers import OPTIMIZERS

_OPTIMIZERS = (
    *OPTIMIZERS,
    *("adam:learning_rate=0.5", "momentum:learning_rate=0.0", "sgd:1e6", "adam:1e30"),
)

# With numbers up to the ends of what is allowed, and beyond.
PART_TEXTS: Mapping[str, tuple[str, ...]] = {
    "model": (
        *MODELS,
        *("fedmf:embedding_dim=1", "mlp:embedding_dim=2", "fedgnn:3", "fedmf:8"),
        *("fedgnn:embedding_dim=3:neighbours_per_item=1", "fedgnn:2:3", "fedmf:0"),
    ),
    "client_optimizer": _OPTIMIZERS,
    "server_optimizer": _OPTIMIZERS,
    "attack": (
        *ATTACKS,
        *("lie:lie_z=0.0", "lie:lie_z=1.5:scope=sparse", "lie:-1", "lie:1e15"),
        *("lie:none:sparse", "lie:1e30", "gaussian:sparse", "fang:scope=sparse"),
        *("cluster:scope=sparse", "label_flip:scope=sparse", "fed_attack:sparse"),
        *("spattack_l_d:noise_scale=0.0", "spattack_l_d:1e15", "spattack_l_d:-1"),
        *("spattack_l_s:noise_scale=1e-30:max_poisoned_items=1", "spattack_o_s:60"),
        *("spattack_o_s:max_poisoned_items=61", f"spattack_l_s:1:{2**31 - 1}"),
        *("ipm:0.0", "ipm:1e15", "ipm:-1", "ua_mean:1e15", "min_max:perturbation=unit"),
        *("promote:spread=1.5", "mix:1e15", "invert_head:0.5", "invert_tail:1"),
        *("groups:1:0:uniform", "groups:0", "sleeper:0:mix", "knapsack:length=2"),
        *("water_filling:ranking:0", "water_filling:loss=training:length=2"),
        *("white_box:ranking:promote:1:2", "white_box:steps=0:restarts=0"),
        *("anchor_drift:0", "anchor_drift:radius=0.5", "sign_guard_aware:0"),
        *("decorrelated:1", "decorrelated:quantile=1.5"),
        *("byz_mean:1.5", "mimic:1", "poisoned_fl:0", "frec_attack2:1:0:2"),
    ),
    "aggregator": (
        *AGGREGATORS,
        *("norm:clip_norm=0.5", "norm:1e15", "norm:0", "clip_by_norm+mean+median"),
        *("clip_by_norm:clip_norm=1e-30+mean", "clip_by_norm:1e15+krum"),
        *("clip_by_norm:1+clip_by_norm:2+median", "krum:krum_distance=plain"),
        *("classic_trimmed_mean:trim_share=0.1", "classic_trimmed_mean:0"),
        *("shrink:0", "geometric_median:1e-30:0", "centred_clipping:1e15:all"),
        *("multi_krum:1", "bucketing:60+arc+multi_krum:none", "arc+budget+mean"),
        *("classic_trimmed_mean:0.499", "classic_trimmed_mean:0.5", "krum:squared"),
    ),
}


def wanted_fields(field: str, text: str) -> dict[str, str]:
    """Fields of a record that a part's text asks for, read without its own reader.

    Of the options, those that it names.

    Args:
        field: of the experiment.
        text: the part, or stages and a rule.
    """
    names, options = [], {}
    for piece in text.split("+"):
        name, *given = piece.strip().split(":")
        names.append(name)
        for option in given:
            key, equals, value = option.partition("=")
            # The experiment has a learning rate itself.
            key = f"{field}_{key}" if key == "learning_rate" else key
            if equals:
                options.setdefault(key, value)
    return {field: "+".join(names), **options}


def is_meant(text: str, recorded: object) -> bool:
    """Whether a text of an option means what is recorded."""
    if isinstance(recorded, int | float):
        return float(text) == recorded
    return text == ("none" if recorded is None else recorded)

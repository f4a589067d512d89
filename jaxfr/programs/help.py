"""What ``--help`` prints: a program's flags in groups, each with an example."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from absl import flags

EXAMPLE_MARK = "as in: "
"""Stands before the example of a group."""

_WIDTH = 88


class Group(NamedTuple):
    """Flags that belong together: an example of some, and the names of all."""

    example: str
    names: frozenset[str]


def _group(example: str, names: str) -> Group:
    return Group(example, frozenset(names.split()))


GROUPS: Mapping[str, Group] = {
    "Data": _group(
        "--dataset=my_log.csv.gz --user_column=member --min_rating=4",
        "dataset data_dir user_column item_column time_column rating_column min_rating "
        "header",
    ),
    "Model and training": _group(
        "--model=fedmf:64 --learning_rate=0.05 --rounds=1000 --seeds=0:5",
        "model learning_rate regularization negatives repeated_negatives participation "
        "client_optimizer rounds seeds init_from preset",
    ),
    "Attack": _group(
        "--attack=spattack_o_d --malicious_ratio=0.05 --attack_start=20",
        "attack malicious_ratio attack_start",
    ),
    "Server": _group(
        "--aggregator=clip_by_norm:1+median --server_optimizer=adam",
        "aggregator aggregation expected_byzantine server_optimizer",
    ),
    "Privacy": _group(
        "--privacy_clip=0.1 --privacy_noise=0.01 --pseudo_items=50",
        "pseudo_items privacy_clip privacy_noise",
    ),
    "Evaluation": _group(
        "--ranking=full --metrics=hr@10,er@10 --targets=cold:5 --eval_every=20",
        "metrics ranking num_candidates targets eval_every",
    ),
    "Results": _group(
        "--output_dir=runs/mine --store=runs/store",
        "output_dir overwrite store any_code_version compare_clean save_params "
        "figure_width",
    ),
    "Devices": _group(
        "--num_devices=4 --runs_at_once=8",
        "num_devices runs_at_once spread_runs compilation_cache_dir",
    ),
    "Checkpoints": _group(
        "--checkpoint_dir=runs/checkpoints --checkpoint_minutes=10",
        "checkpoint_dir checkpoint_minutes keep_checkpoints",
    ),
    "Several processes": _group(
        "--coordinator_address=10.0.0.1:29500 --num_processes=2 --process_id=0",
        "coordinator_address num_processes process_id",
    ),
}
"""The flags that programs share, by what they are about."""


def help_text(
    title: str, doc: str, example: str, own_flags: Iterable[flags.Flag]
) -> str:
    """What a program is and takes.

    Args:
        title: its command, such as ``jaxfr train``.
        doc: what it is.
        example: of the flags that no other program has.
        own_flags: all of its flags.
    """
    left = {flag.name: flag for flag in own_flags}
    parts = [doc.strip()]
    of_groups = []
    for name, group in GROUPS.items():
        found = [left.pop(flag) for flag in sorted(group.names & left.keys())]
        if found:
            kept = _of_these(group.example, {flag.name for flag in found})
            of_groups += [_describe(name, title, kept, found)]
    if left:
        own = [left[name] for name in sorted(left)]
        parts.append(_describe(f"Only {title}", title, example, own))
    return "\n\n".join([*parts, *of_groups]) + "\n"


def _of_these(example: str, names: set[str]) -> str:
    """What of an example a program takes."""
    given = example.split()
    return " ".join(one for one in given if one[2:].partition("=")[0] in names)


def _describe(name: str, title: str, example: str, found: Sequence[flags.Flag]) -> str:
    heading = [f"{name}:"] + [f"  {EXAMPLE_MARK}{title} {example}"] * bool(example)
    return "\n".join([*heading, *map(_describe_flag, found)])


def _describe_flag(flag: flags.Flag) -> str:
    name = f"[no]{flag.name}" if flag.boolean else flag.name
    notes = [f"default: {flag.default_as_str}"] * bool(flag.default)
    notes += filter(None, [flag.parser.syntactic_help])
    # absl itself says behind the help, on a line of its own, what may be repeated.
    text = re.sub(r";\s*repeat this option.*", "", str(flag.help))
    told = f"{text} ({'; '.join(notes)})" if notes else text
    return textwrap.fill(
        f"--{name}: {told}",
        _WIDTH,
        initial_indent="  ",
        subsequent_indent="      ",
        break_on_hyphens=False,
    )

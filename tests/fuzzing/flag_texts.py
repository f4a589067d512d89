"""Values of flags as texts: in order by what a flag takes, or of any other kind."""

import random

from absl import flags

from jaxfr.ranges import Range
from jaxfr.sweeps.request import RUN_OPTIONS
from tests.fuzzing import programs
from tests.fuzzing.part_texts import PART_TEXTS
from tests.fuzzing.texts import odd_text

# Synthetic data that take no time.
SMALL = "synthetic:num_users=40:num_items=60:num_pairs=200"
_PATHS = (
    *("new", "new/er", "", ".", "~", "~nosuch/x", "a b", "é", "-", "none", "z" * 300),
    *("/dev/null", "/dev/full/x", "/proc/x", "data.csv", "data.csv/x", "new.csv"),
    *("new.npz", "new.toml", "new.json", "new.parquet"),
)
_PATH_FLAGS = frozenset(
    (
        *("output_dir", "store", "save_params", "init_from", "data_dir", "export"),
        *("export_curves", "checkpoint_dir", "compilation_cache_dir", "sweep_file"),
    )
)
# Texts in order, of flags whose parser does not say which.
_TEXTS = {
    "seeds": ("0", "0,1", "0:3", "5,0:2"),
    "group_by": ("attack", "attack,seed", "learning_rate"),
    "metric": ("hr@10", "ndcg@5,hr@5_tail", "seconds_train"),
    "where": ("attack=none", "seed!=0", "attack=none|spattack_l_d"),
    "columns": ("attack", "seed"),
    "code_version": ("all", "latest"),
    "dataset": (SMALL, "data.csv"),
    **PART_TEXTS,
    "sizes": ("1000", "1000,5000"),
    "metrics": ("hr@10,percentile", "er@5", "full_hr@1,within_third_ndcg@10"),
    "targets": ("cold:3", "7", "popular:2", "items:0,5"),
}


def draw_flags(source: random.Random, known: dict[str, flags.Flag]) -> dict[str, str]:
    """Gives values to one flag or a few.

    Args:
        source: of chance.
        known: the flags that there are, by name.
    """
    names = source.sample(sorted(known), source.choice((1, 1, 1, 2, 3)))
    drawn = {}
    for name in names:
        text = _draw_value(source, name, known[name])
        if programs.can_be_argument(text):
            drawn[name] = text
    return drawn


def _draw_value(source: random.Random, name: str, flag: flags.Flag) -> str:
    if name in _PATH_FLAGS and source.random() < 0.8:
        return source.choice(_PATHS)
    if name == "dataset" and source.random() < 0.3:
        option = source.choice(
            ("num_users", "num_pairs", "seed", "signal_strength", "x")
        )
        return f"synthetic:{option}={odd_text(source)}"
    if source.random() < 0.35:
        return odd_text(source)
    parser = getattr(flag.parser, "value_parser", flag.parser)
    values = 1 if flag.parser is parser else source.choice((1, 1, 2, 3))
    return ",".join(_in_order(source, name, parser) for _ in range(values))


def _in_order(source: random.Random, name: str, parser: flags.ArgumentParser) -> str:
    """A value that the parser takes, as far as that is known."""
    if isinstance(parser, flags.EnumParser):
        return source.choice(list(parser.enum_values))
    if isinstance(parser, flags.BooleanParser):
        return source.choice(("true", "false"))
    option = RUN_OPTIONS.get(name)
    if option is not None and not isinstance(option.allowed, Range | None):
        return source.choice(option.allowed)
    kind = option.kind if option is not None else None
    if isinstance(parser, flags.FloatParser) or kind is float:
        return source.choice(("0", "0.1", "0.5", "1", "3", "1e30", "1e-30", "none"))
    if isinstance(parser, flags.IntegerParser) or kind is int:
        return str(source.choice((0, 1, 2, 5, 30, 2**31 - 1, 2**31, 2**32, 2**63)))
    return source.choice(_TEXTS.get(name, ("0", "0,1", "none", "mean", "new.csv")))

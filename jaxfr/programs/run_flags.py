"""The flags of a run's options: single values, or lists that a sweep crosses.

They are the fields of ``Experiment`` (``experiment.py``) and of ``RunRequest``
(``sweeps/request.py``), whose types and docstrings give ranges and help (``parts.py``).
``texts.py`` reads their values.
"""

from collections.abc import Collection
from typing import Any

from absl import flags

from jaxfr.data.datasets import check_dataset_text
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.files import user_path
from jaxfr.part_texts import names_own_file, read_option
from jaxfr.programs.data_flags import DATASET_HELP
from jaxfr.programs.flag_parsers import ListParser, OptionParser, ValueSerializer
from jaxfr.ranges import Range
from jaxfr.sweeps.grid import SEEDS_HELP
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest
from jaxfr.texts import (
    CATALOGUES,
    EXPERIMENT_OPTIONS,
    place_of_option,
    read_field,
    write_field,
)

# What stands between several values, where a comma stands within one.
_SEPARATORS = {"metrics": ";", "targets": ";"}

_HELP = {
    "dataset": DATASET_HELP,
    "metrics": (
        "What is evaluated, with commas between: hr@K, ndcg@K, percentile (of the test "
        "item, 0 the top, less is better), er@K (exposure of --targets, less is "
        "better). Of the ranking of --ranking, or of another with full_, sampled_ or "
        "within_third_ (candidates of the test item's own popularity third) before it, "
        "as in hr@10,full_hr@10,within_third_hr@10."
    ),
    "targets": (
        "Items whose exposure er@K measures. cold:N or N: drawn by the seed from the "
        "least popular third; popular:N: from the most popular; items:3,17: items by "
        "their numbers from 0, in the order in which the data name them first."
    ),
}


def define_run_flags(
    lists: Collection[str], seeds: str = "0", without: Collection[str] = ()
) -> None:
    """Defines ``--seeds`` and a flag for every option of a run, but for some.

    Those named in ``lists`` take several values, the rest takes one.
    """
    flags.DEFINE_string("seeds", seeds, SEEDS_HELP)
    defaults = RunRequest()
    for name, option in RUN_OPTIONS.items():
        if name in without:
            continue
        separator = _SEPARATORS.get(name, ",")
        parser: flags.ArgumentParser = OptionParser(name, _read, option)
        text, default = option_help(name), defaults.value(name)
        if name in lists:
            parser = ListParser(parser, separator)
            text += f" Several: with {separator!r} between them."
            default = (default,)
        serializer = ValueSerializer(separator, lambda v, n=name: write_field(n, v))
        flags.DEFINE(parser, name, default, text, serializer=serializer)


def flagged_request(**others: Any) -> RunRequest:
    """The run that the flags name, with the seed and what flags have lists of."""
    names = RUN_OPTIONS.keys() - others.keys()
    return RunRequest().replace(
        **{name: flags.FLAGS[name].value for name in names}, **others
    )


def parse_value(name: str, value: object) -> Any:
    """Reads an option's value, text or a number of a file, as its flag would.

    Refuses one that names code, which only a command line may.
    """
    if name not in RUN_OPTIONS:
        near = nearest(name, [*RUN_OPTIONS, "seeds"])
        told = None if near else place_of_option(name)
        raise InvalidInputError(
            told or f"{name}: is no option{near}; options are {', '.join(RUN_OPTIONS)}"
        )
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInputError(f"{name}={value!r}: must be text or a number")
    return _read(name, str(value), own_files=False)


def parse_values(name: str, values: object) -> tuple[Any, ...]:
    """Reads one value of an option, or a list of them, as ``parse_value`` does."""
    several = values if isinstance(values, list) else [values]
    if not several:
        raise InvalidInputError(f"{name}: has no value")
    return tuple(parse_value(name, value) for value in several)


def _read(name: str, text: str, own_files: bool = True) -> Any:
    if name in EXPERIMENT_OPTIONS:
        return read_field(name, text, own_files)
    if name == "dataset":
        if "," in text and not names_own_file(text) and not user_path(text).exists():
            raise InvalidInputError(f"{name}={text!r}: there is no such file")
        return check_dataset_text(text, own_files)
    return read_option(RUN_OPTIONS[name], text)


def option_help(name: str) -> str:
    """What an option of a run is: its docstring, and what may be given."""
    option = RUN_OPTIONS[name]
    text = _HELP.get(name, option.help.replace("``", ""))
    text = text[:1].upper() + text[1:]
    if name in CATALOGUES:
        known = ", ".join(CATALOGUES[name])
        return f"{text} One of {known}; see jaxfr list."
    if not isinstance(option.allowed, Range | None):
        return f"<{'|'.join(option.allowed)}>: {text}"
    return text

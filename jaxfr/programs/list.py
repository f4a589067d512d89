"""Lists what there is to choose: attacks, aggregators, models, metrics, presets, ...

jaxfr list            says what of
jaxfr list attacks    all attacks, a line each
jaxfr list lie        one attack: what it does, and its options
jaxfr list ./mine.py:my_attack    a function of a file of yours, likewise
jaxfr list attacks --format=markdown    a table with sources and files, as in README
"""

import inspect
import re
from collections.abc import Mapping

from jaxfr.aggregators import AGGREGATORS, OTHER_NAMES, STAGES
from jaxfr.attacks import ATTACKS
from jaxfr.data import DATASETS
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.evaluation.names import METRICS, METRICS_AT_K
from jaxfr.models import MODELS
from jaxfr.optimizers import OPTIMIZERS
from jaxfr.own_files import OWN_FILE, summaries_of
from jaxfr.part_texts import names_own_file, read_own
from jaxfr.parts import REQUIRED, Factory, Option
from jaxfr.presets import preset_names, preset_text
from jaxfr.programs.flag_parsers import define_choice
from jaxfr.programs.overview import overview
from jaxfr.programs.run_flags import option_help
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest
from jaxfr.terminal import align
from jaxfr.texts import write_field

MOST_WORDS = 1

LISTS: Mapping[str, str] = {
    "attacks": "what malicious clients upload: --attack",
    "aggregators": "how the server joins an item's uploads: --aggregator",
    "stages": "what goes before an aggregator, as in --aggregator=clip_by_norm+median",
    "models": "what is trained: --model",
    "optimizers": "--client_optimizer and --server_optimizer",
    "metrics": "what is measured: --metrics",
    "datasets": "what it is trained on: --dataset",
    "options": "all options of a run",
    "presets": "flags of known experiments: --preset",
}
"""The lists, each with what it is of."""

_DOCUMENTED: Mapping[str, Mapping[str, object]] = {
    "attacks": ATTACKS,
    "aggregators": {**AGGREGATORS, **OTHER_NAMES},
    "stages": STAGES,
    "models": MODELS,
    "optimizers": OPTIMIZERS,
    "metrics": {
        **{f"{name}@K": made for name, made in METRICS_AT_K.items()},
        **METRICS,
    },
    "datasets": DATASETS,
}


EXAMPLE = "attacks --format=markdown"
"""For ``--help``."""

_FORMAT = define_choice(
    "format",
    "text",
    ["text", "markdown"],
    "text: a line each; markdown: a table with sources and files, of attacks, "
    "aggregators or stages.",
)


def main(word: str = "") -> None:
    """Prints the list, or the page, that a word names."""
    print(overview(word) if _FORMAT.value == "markdown" else listing(word))


def listing(word: str = "") -> str:
    """The list or the page of this name; without one, which lists there are."""
    if not word:
        return align([(f"jaxfr list {name}", what) for name, what in LISTS.items()])
    if word.removesuffix(":").endswith(OWN_FILE):
        file = word.removesuffix(":")
        rows = [(f"{file}:{name}", what) for name, what in summaries_of(file).items()]
        return align(rows) if rows else f"{file}: has no function"
    if names_own_file(word):
        name, _, factory = read_own(word)
        return f"{name}\n\n{_page(factory)}"
    pages = {name: _pages(name) for name in LISTS}
    if word in pages:
        return align([(name, _summary(page)) for name, page in pages[word].items()])
    found = [
        f"{word}, of jaxfr list {name}\n\n{listed[word]}"
        for name, listed in pages.items()
        if word in listed
    ]
    if not found:
        raise InvalidInputError(
            f"{word!r}: is in no list{nearest(word, words_of_lists())}; lists are "
            f"{', '.join(LISTS)}"
        )
    return "\n\n".join(found)


def words_of_lists() -> list[str]:
    """All words that have a list or a page."""
    known = (one for name in LISTS for one in _pages(name))
    return list(dict.fromkeys((*LISTS, *known)))


def _pages(name: str) -> dict[str, str]:
    """What a list holds: names with pages."""
    if name == "presets":
        return {preset: preset_text(preset) for preset in preset_names()}
    if name == "options":
        return {option: _page_of_option(option) for option in RUN_OPTIONS}
    return {one: _page(thing) for one, thing in _DOCUMENTED[name].items()}


def _summary(page: str) -> str:
    return page.partition("\n")[0]


def _page(documented: object) -> str:
    """A docstring without the sections that tell of code, and a part's options."""
    doc = (inspect.getdoc(documented) or "").replace("``", "")
    page = re.sub(r"\n\n(Args|Returns|Raises|Example):\n(.|\n)*", "", doc)
    options = documented.options if isinstance(documented, Factory) else ()
    lines = list(map(_line_of, options))
    return "\n".join([page, *[""] * bool(lines), *lines])


def _line_of(option: Option) -> str:
    """An option with its default, and what it is."""
    default = " (must be given)"
    if option.default is not REQUIRED:
        default = f"={write_field(option.name, option.default)}"
    told = [f"  {option.name}{default}", option.help.replace("``", "")]
    return ": ".join(filter(None, told))


def _page_of_option(name: str) -> str:
    default = write_field(name, RunRequest().value(name)) or "none"
    first, _, rest = option_help(name).partition(". ")
    return "\n".join(
        [f"{first.rstrip('.')}. Default: {default}.", *filter(None, [rest])]
    )

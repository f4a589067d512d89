r"""Prints what makes a shell complete jaxfr's programs, flags, parts and presets.

jaxfr completion bash > ~/.local/share/bash-completion/completions/jaxfr
jaxfr completion zsh > ~/.zfunc/_jaxfr
jaxfr completion fish > ~/.config/fish/completions/jaxfr.fish

(For zsh, ~/.zfunc stands in fpath before compinit is called. It is printed from what
there is, so that another version of jaxfr wants it anew.)
"""

import importlib
import re
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from absl import flags

from jaxfr import programs
from jaxfr.data import DATASETS
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.evaluation.names import METRICS, METRICS_AT_K
from jaxfr.presets import preset_names
from jaxfr.programs import PROGRAMS, describe_program
from jaxfr.programs.list import words_of_lists
from jaxfr.ranges import Range
from jaxfr.sweeps.paper import PAPER
from jaxfr.sweeps.request import RUN_OPTIONS
from jaxfr.texts import CATALOGUES
from jaxfr.tournament.suite import SUITES

MOST_WORDS = 1

_VALUES: Mapping[str, Sequence[str]] = {
    **{name: [*catalogue] for name, catalogue in CATALOGUES.items()},
    "attacks": [PAPER, *CATALOGUES["attack"]],
    "dataset": [*DATASETS],
    "defenses": [PAPER, *CATALOGUES["aggregator"]],
    "metrics": [*(f"{name}@10" for name in METRICS_AT_K), *METRICS],
    "preset": preset_names(),
    "suite": SUITES,
    "targets": ["cold:5", "popular:5", "items:0,1"],
    **{
        name: option.allowed
        for name, option in RUN_OPTIONS.items()
        if not isinstance(option.allowed, Range | None)
    },
}
# What stands between parts of a single value.
_SEPARATORS = {"aggregator": "+", "metrics": ","}


class _Flag(NamedTuple):
    """A flag to complete.

    Its values, if they are known, and what stands between several of them, nothing
    where it takes one.
    """

    name: str
    values: Sequence[str]
    separator: str
    is_switch: bool
    help: str


class _Program(NamedTuple):
    """A program to complete, with the words that it takes beside flags."""

    name: str
    help: str
    flags: Sequence[_Flag]
    words: Sequence[str]


def main(shell: str = "") -> None:
    """Prints the script of a shell."""
    if shell not in _SCRIPTS:
        raise InvalidInputError(
            f"{shell!r}: must be one of {', '.join(_SCRIPTS)}, as in jaxfr completion "
            f"bash{nearest(shell, _SCRIPTS)}"
        )
    print(_SCRIPTS[shell](list(_programs())))


def programs_with(flag: str) -> list[str]:
    """The programs that have a flag of this name; those loaded cannot go on."""
    return [one.name for one in _programs() if flag in {f.name for f in one.flags}]


def _programs() -> Iterator[_Program]:
    """All programs, each loaded as if it were the only one."""
    ours = f"{programs.__name__}."
    words = {"list": words_of_lists(), "completion": _SCRIPTS}
    kept: list[object] = []  # absl knows modules by their ids, which others may get
    for name in PROGRAMS:
        # Flags of several programs have the same names.
        by_module = flags.FLAGS.flags_by_module_dict().items()
        of_programs = [found for module, found in by_module if module.startswith(ours)]
        for flag in {flag.name for found in of_programs for flag in found}:
            delattr(flags.FLAGS, flag)
        for module in [one for one in sys.modules if one.startswith(ours)]:
            kept.append(sys.modules.pop(module))
            delattr(programs, module.removeprefix(ours))
        importlib.import_module(ours + name)
        found = flags.FLAGS.get_key_flags_for_module(ours + name)
        yield _Program(
            name,
            describe_program(name).partition("\n")[0],
            [_flag(one) for one in sorted(found, key=lambda flag: flag.name)],
            [*words.get(name, ())],
        )


def _flag(flag: flags.Flag) -> _Flag:
    values = getattr(flag.parser, "enum_values", None) or _VALUES.get(flag.name, ())
    is_list = isinstance(flag.parser, flags.ListParser)
    is_list |= hasattr(flag.parser, "value_parser")  # a ListParser of ours
    separator = _SEPARATORS.get(flag.name, "," * is_list)
    told = textwrap.shorten(
        str(flag.help).partition(". ")[0].rstrip("."), 72, placeholder="..."
    )
    return _Flag(flag.name, values, separator, flag.boolean, told)


_BASH = r"""# jaxfr in bash, printed by jaxfr completion bash
_jaxfr_words() {
  case $1 in
%(words)s
  esac
}

_jaxfr() {
  local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]}
  local word=${line##*[[:space:]]} before="" last found there
  [[ $current == [=:@] ]] && current=""
  if [[ $COMP_CWORD -eq 1 ]]; then
    found=$(_jaxfr_words "")
  elif [[ $word == --*=* ]]; then
    last=${word#*=}
    last=${last##*[,+;]}
    before=${word%%"$last"}
    found=$(_jaxfr_words "${word%%%%=*}")
    if [[ -z $found ]]; then
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "${last/#\~/$HOME}")
      return
    fi
  else
    found=$(_jaxfr_words "${COMP_WORDS[1]}")
  fi
  mapfile -t COMPREPLY < <(compgen -P "$before" -W "$found" -- "${word#"$before"}")
  # What the shell takes for another word is there already, but for an @.
  there=${word%%"$current"}
  COMPREPLY=("${COMPREPLY[@]#"${there%%@}"}")
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
  return 0
}
complete -F _jaxfr jaxfr"""

_ZSH = r"""#compdef jaxfr
# jaxfr in zsh, printed by jaxfr completion zsh
_jaxfr() {
  local -a programs=(
%(programs)s
  )
  if (( CURRENT == 2 )); then
    _describe program programs
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
%(cases)s
  esac
}
if [[ $funcstack[1] == _jaxfr ]]; then _jaxfr "$@"; else compdef _jaxfr jaxfr; fi"""


def _bash(all: Sequence[_Program]) -> str:
    words = {"": [one.name for one in all]}
    for one in all:
        written = [f"--{f.name}{'=' * (not f.is_switch)}" for f in one.flags]
        written += [f"--no{flag.name}" for flag in one.flags if flag.is_switch]
        words[one.name] = [*one.words, *written, "--help"]
        words |= {f"--{flag.name}": flag.values for flag in one.flags if flag.values}
    lines = [
        f"  {shlex.quote(name)}) echo {shlex.quote(' '.join(several))} ;;"
        for name, several in words.items()
    ]
    return _BASH % {"words": "\n".join(lines)}


def _zsh(all: Sequence[_Program]) -> str:
    def escaped(text: str) -> str:
        for letter in "\\:[]":
            text = text.replace(letter, f"\\{letter}")
        return text

    def spec(flag: _Flag) -> str:
        if flag.is_switch:
            return shlex.quote(f"(--no{flag.name})--{flag.name}[{escaped(flag.help)}]")
        values = " ".join(map(escaped, flag.values))
        action = f"({values})" if values else "_files"
        if flag.separator and values:
            action = f"_sequence -s {flag.separator} compadd - {values}"
        return shlex.quote(f"--{flag.name}=-[{escaped(flag.help)}]:value:{action}")

    cases = []
    for one in all:
        specs = [*map(spec, one.flags), "'--help[What it takes]'"]
        specs += [f"--no{flag.name}" for flag in one.flags if flag.is_switch]
        specs += [f"'1:word:({' '.join(one.words)})'"] * bool(one.words)
        cases.append(
            f"  {one.name}) _arguments \\\n    " + " \\\n    ".join(specs) + " ;;"
        )
    titles = [shlex.quote(f"{one.name}:{escaped(one.help)}") for one in all]
    return _ZSH % {
        "programs": "\n".join(f"    {title}" for title in titles),
        "cases": "\n".join(cases),
    }


def _fish(all: Sequence[_Program]) -> str:
    lines = ["# jaxfr in fish, printed by jaxfr completion fish"]
    for one in all:
        chosen = f"complete -c jaxfr -n '__fish_seen_subcommand_from {one.name}'"
        lines.append(
            f"complete -c jaxfr -f -n __fish_use_subcommand -a {one.name} "
            f"-d {_fish_quoted(one.help)}"
        )
        if one.words:
            lines.append(f"{chosen} -f -a {_fish_quoted(' '.join(one.words))}")
        for flag in one.flags:
            values = " ".join(flag.values)
            if flag.separator:
                separator = _fish_quoted(re.escape(flag.separator))
                values = f"(__fish_append {separator} {values})"
            takes = f" -x -a {_fish_quoted(values)}" if flag.values else " -r"
            takes *= not flag.is_switch
            told = _fish_quoted(flag.help)
            lines.append(f"{chosen} -l {flag.name}{takes} -d {told}")
            if flag.is_switch:
                lines.append(f"{chosen} -l no{flag.name} -d {told}")
    return "\n".join(lines)


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


_SCRIPTS: Mapping[str, Callable[[Sequence[_Program]], str]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
}

"""The command that does a run of a record again, and its parts as one writes them."""

import shlex
from collections.abc import Mapping
from typing import Any

from jaxfr.attacks import malicious_client_count
from jaxfr.experiment import PART_KINDS
from jaxfr.parts import REQUIRED
from jaxfr.records.chance import evaluated_users
from jaxfr.records.record import Record
from jaxfr.records.selection import RESOLVED
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest
from jaxfr.texts import CATALOGUES, split_chain

_DEFAULTS = RunRequest().texts()


def part_texts(record: Record) -> dict[str, str]:
    """The parts of a run with what is not as by default: ``lie:lie_z=1.5``.

    The reverse of ``recorded_options``, which names an option of a second part after
    its field. Of a part of one's own the options are not told.
    """
    taken = {*RUN_OPTIONS, *RESOLVED, "seed"}
    found = {}
    for field in PART_KINDS:
        place, pieces = 0, []
        for piece in split_chain(str(record[field])):
            factory, texts = CATALOGUES[field].get(piece), [piece]
            for option in factory.options if factory else ():
                free = [
                    option.name,
                    f"{field}_{option.name}",
                    f"{field}_{place}_{option.name}",
                ]
                place += 1
                name = next((one for one in free if one not in taken), option.name)
                taken.add(name)
                value = record.get(name, option.default)
                if value is not REQUIRED and value != option.default:
                    texts.append(f"{option.name}={_text(value)}")
            pieces.append(":".join(texts))
        found[field] = "+".join(pieces)
    return found


def command_without_seed(record: Record, parts: Mapping[str, str]) -> str:
    """The sweep of this one run, to which ``--seeds`` and ``--store`` are added.

    Of a record that has no ``flags`` yet it is made from its options.
    """
    if "flags" in record:
        return shlex.join(["jaxfr", "sweep", *record["flags"]])
    options = {name: _text(record[name]) for name in RUN_OPTIONS if name in record}
    options |= parts
    ratio, clients = record["malicious_ratio"], evaluated_users(record)
    follows = 0 <= ratio < 1 and malicious_client_count(clients, ratio)
    if record.get("expected_byzantine") == follows:
        options["expected_byzantine"] = _DEFAULTS["expected_byzantine"]
    flags = [
        f"--{name}={text}"
        for name, text in options.items()
        if name == "dataset" or text != _DEFAULTS[name]
    ]
    return shlex.join(["jaxfr", "sweep", *flags])


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return str(value)

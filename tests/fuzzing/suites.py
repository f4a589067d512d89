"""Suites of a tournament: those that there are, with fields of any kind."""

import json
import math
import pathlib
import random
from typing import Any

from jaxfr.tournament.suite import SUITES, read_suite
from jaxfr.tournament.trials import wanted_trials
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.texts import damage, odd_text

_FOLDER = pathlib.Path("jaxfr/tournament/suites").resolve()
_MOST_TRIALS = 300


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """A suite as it is or changed, or no suite at all."""
    name = source.choice(SUITES)
    encoded = (_FOLDER / f"{name}.json").read_bytes()
    content, draw = json.loads(encoded), source.random()
    path = folder / source.choice(("suite.json", "a b.json", "é.json"))
    if draw < 0.2:
        content["seeds"] = source.choice((3, [0, 5], "0:2", "7"))
        path.write_text(json.dumps(content))
        if read_suite(str(path)).attack != tuple(content["attack"]):
            raise WrongOutcomeError("has other attacks")
        return
    if draw < 0.8:
        for _ in range(source.choice((1, 1, 2))):
            key = source.choice((*content, *content, odd_text(source)))
            content[key] = _odd_value(source)
            if source.random() < 0.2:
                del content[key]
        encoded = json.dumps(content).encode("utf-8", "surrogatepass")
    else:
        encoded = damage(encoded, source)
    path.write_bytes(encoded)
    suite = read_suite(str(path))
    lists = (suite.dataset, suite.model, suite.attack, suite.malicious_ratio)
    if math.prod(map(len, (*lists, suite.declared))) < _MOST_TRIALS:
        wanted_trials(suite, suite.aggregator[:2], dict.fromkeys(suite.dataset, 50))


def _odd_value(source: random.Random) -> Any:
    return source.choice(
        (
            *(None, True, 0, -1, 2**63, 1e308, 0.5, 1e-320, float("nan"), float("inf")),
            *("", [], {}, [[]], [None], ["lie"], ["mean", "mean"], ["lie", 1], "full"),
            *(odd_text(source), [odd_text(source)], [0.1, 0.1], [0.99], "fedmf:2"),
        )
    )

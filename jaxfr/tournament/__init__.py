"""The tournament: every attack against every defense, judged by the worst case."""

from jaxfr.tournament.entries import Entry, enter, read_entries
from jaxfr.tournament.judging import Standing, judge
from jaxfr.tournament.suite import SUITES, Suite, read_suite
from jaxfr.tournament.trials import Trial, wanted_trials

__all__ = [
    "SUITES",
    "Entry",
    "Standing",
    "Suite",
    "Trial",
    "enter",
    "judge",
    "read_entries",
    "read_suite",
    "wanted_trials",
]

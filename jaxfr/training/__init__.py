"""Training: the plan made on the host, one round, the whole run."""

from jaxfr.training.checks import check_run
from jaxfr.training.keys import run_key
from jaxfr.training.layout import Layout, layout_for, plan_layout
from jaxfr.training.round import train_round
from jaxfr.training.run import RoundReport, evaluate_now, simulate, train_rounds
from jaxfr.training.start import start
from jaxfr.training.state import GivenValues, Setup, TrainingState

__all__ = [
    "GivenValues",
    "Layout",
    "RoundReport",
    "Setup",
    "TrainingState",
    "check_run",
    "evaluate_now",
    "layout_for",
    "plan_layout",
    "run_key",
    "simulate",
    "start",
    "train_round",
    "train_rounds",
]

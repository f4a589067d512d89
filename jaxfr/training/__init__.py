"""Training: the settings, the plan made on the host, one round, the whole run."""

from jaxfr.training.checks import check_settings
from jaxfr.training.keys import run_key
from jaxfr.training.layout import Layout, plan_layout
from jaxfr.training.run import RoundReport, evaluate_now, simulate, train_rounds
from jaxfr.training.settings import Configuration, Hyperparameters
from jaxfr.training.start import start
from jaxfr.training.state import GivenValues, Setup, TrainingState

__all__ = [
    "Configuration",
    "GivenValues",
    "Hyperparameters",
    "Layout",
    "RoundReport",
    "Setup",
    "TrainingState",
    "check_settings",
    "evaluate_now",
    "plan_layout",
    "run_key",
    "simulate",
    "start",
    "train_rounds",
]

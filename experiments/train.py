"""Trains a federated recommender, clean and under attack, and shows what it did.

python -m experiments.train --dataset=ml-100k --attack=spattack_o_d --seeds=0:5 \
    --output_dir=runs/first
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from experiments import execution, setting_flags
from experiments.execution import Execution, plan_execution, start_devices
from experiments.settings import (
    RunSettings,
    check_dataset,
    check_flags,
    load_flagged_dataset,
    num_ranked,
    parse_seeds,
    run_settings,
)
from jaxfr.attacks import ATTACKS
from jaxfr.data import Dataset
from jaxfr.errors import InvalidInputError
from jaxfr.records import program
from jaxfr.records.parameters import load_given_values, save_parameters
from jaxfr.records.plots import can_draw, draw_curves
from jaxfr.records.program import prepare_output, run_program
from jaxfr.records.progress import show_progress
from jaxfr.records.results import Record, append_record, make_record
from jaxfr.records.table import CLEAN, format_table
from jaxfr.training import GivenValues, plan_layout
from jaxfr.training.host import Point, run_points
from jaxfr.training.memory import compile_to_fit
from jaxfr.training.programs import Programs

RESULTS_FILE = "results.jsonl"
CLEAN_FILE = "clean.jsonl"
PLOT_FILE = "curves.png"

flags.adopt_module_key_flags(setting_flags)
flags.adopt_module_key_flags(program)

_ATTACK = flags.DEFINE_list(
    "attack",
    ["none"],
    f"Attack, or several with commas between them: {', '.join(ATTACKS)}.",
)
_SEEDS = flags.DEFINE_string(
    "seeds", "0", "Seeds: a list as in 0,1,2 or a range as in 0:10 (10 excluded)."
)
_COMPARE_CLEAN = flags.DEFINE_bool(
    "compare_clean",
    True,
    f"Also trains without any attack, for comparison, where --attack lacks {CLEAN}.",
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    f"Folder for {RESULTS_FILE} (a line for each attack and seed), {CLEAN_FILE} (the "
    f"runs of --compare_clean) and {PLOT_FILE}. Default: nothing is written.",
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Whether files that exist already may be replaced."
)
_INIT_FROM = flags.DEFINE_string(
    "init_from",
    None,
    "File (.npz) with the arrays user_embeddings [n, d] and item_embeddings [m, d] to "
    "start from, and if wanted negatives (one for each training pair, in the data "
    "set's order) and noise [m, d] (for the L attacks).",
)
_SAVE_PARAMS = flags.DEFINE_string(
    "save_params",
    None,
    "File (.npz) for the same arrays after the last round, and poisoned_items "
    "[malicious clients, m]; for a single attack and seed.",
)


def main() -> None:
    """Does what the flags say."""
    attacks, seeds = tuple(_ATTACK.value), parse_seeds(_SEEDS.value)
    _check(attacks, seeds)
    executed = plan_execution(
        len(seeds),
        start_devices(flags.FLAGS.num_devices),
        flags.FLAGS.runs_at_once,
    )
    with_clean = _COMPARE_CLEAN.value and CLEAN not in attacks
    files = [RESULTS_FILE, PLOT_FILE] + [CLEAN_FILE] * with_clean
    folder = None
    if _OUTPUT_DIR.value is not None:
        folder = prepare_output(_OUTPUT_DIR.value, files, _OVERWRITE.value)

    dataset = load_flagged_dataset()
    check_dataset(dataset)
    given = GivenValues()
    if _INIT_FROM.value:
        path = pathlib.Path(_INIT_FROM.value).expanduser()
        given = load_given_values(path, dataset, flags.FLAGS.embedding_dim)
        if given.negatives is not None and flags.FLAGS.negatives != "fixed":
            raise InvalidInputError(f"{path}: holds negatives, needs --negatives=fixed")
    layout = plan_layout(dataset, executed.spread)
    if folder is not None:
        # Now that nothing of the user's can be wrong any more.
        for name in files:
            (folder / name).unlink(missing_ok=True)

    records: list[Record] = []
    for attack in attacks:
        settings = run_settings(attack, dataset.num_users)
        print(f"{attack}: compiling", file=sys.stderr)
        programs = compile_to_fit(
            dataclasses.replace(settings.configuration, num_devices=executed.spread),
            settings.hyperparameters,
            layout,
            flags.FLAGS.rounds,
            given,
            runs=executed.runs,
            devices=executed.divided,
        )
        executed = executed._replace(runs=programs.runs)
        if with_clean and not records:
            # The same program, without a malicious client in it.
            clean = run_settings(CLEAN, dataset.num_users)
            compiled = programs._replace(seconds=0.0)
            records += train(
                clean, seeds, dataset, compiled, executed, folder, CLEAN_FILE
            )
        records += train(
            settings, seeds, dataset, programs, executed, folder, RESULTS_FILE
        )
    print(_title(records[-1], seeds))
    print(format_table(records))
    if folder is not None:
        _draw(records, seeds, folder)


def train(
    settings: RunSettings,
    seeds: Sequence[int],
    dataset: Dataset,
    programs: Programs,
    executed: Execution,
    folder: pathlib.Path | None,
    file_name: str,
) -> list[Record]:
    """Runs all seeds of one attack; each record is written when it is known."""
    rounds = flags.FLAGS.rounds
    records: list[Record] = []
    label = settings.recorded["attack"]
    points = [Point(seed, settings.hyperparameters) for seed in seeds]
    with show_progress(len(seeds) * rounds, "round", label) as advance:
        for run in run_points(
            programs, points, rounds, flags.FLAGS.eval_every, advance
        ):
            derived = {
                "max_poisoned_items": run.max_poisoned_items,
                "num_ranked": num_ranked(dataset),
                "init_from": _INIT_FROM.value,
                **execution.recorded(executed),
            }
            records.append(make_record({**settings.recorded, **derived}, run))
            if folder is not None:
                append_record(folder / file_name, records[-1])
            if _SAVE_PARAMS.value and file_name == RESULTS_FILE:
                save_parameters(
                    pathlib.Path(_SAVE_PARAMS.value).expanduser(),
                    settings.configuration,
                    settings.hyperparameters,
                    programs.layout,
                    run,
                )
    return records


def _check(attacks: tuple[str, ...], seeds: tuple[int, ...]) -> None:
    check_flags()
    for attack in attacks:
        run_settings(attack, num_clients=1)
    if len(set(attacks)) != len(attacks) or not attacks:
        raise InvalidInputError("attack: name one attack, or several distinct ones")
    if not _SAVE_PARAMS.value:
        return
    if len(attacks) > 1 or len(seeds) > 1:
        raise InvalidInputError("save_params: needs a single attack and a single seed")
    path = pathlib.Path(_SAVE_PARAMS.value).expanduser()
    prepare_output(str(path.parent), [path.name], _OVERWRITE.value)


def _title(record: Record, seeds: Sequence[int]) -> str:
    return (
        f"{record['dataset']}, {record['model']}, {record['aggregator']} "
        f"({record['aggregation']}), {100 * record['malicious_ratio']:g} % malicious "
        f"({record['malicious_clients']} clients), {record['rounds']} rounds, "
        f"{len(seeds)} seed{'s' * (len(seeds) > 1)}, {record['ranking']} ranking"
    )


def _draw(
    records: Sequence[Record], seeds: Sequence[int], folder: pathlib.Path
) -> None:
    written = [RESULTS_FILE]
    if can_draw():
        draw_curves(records, _title(records[-1], seeds), folder / PLOT_FILE)
        written.append(PLOT_FILE)
    else:
        print("no curves drawn: that needs pip install 'jaxfr[plots]'")
    print(f"wrote {' and '.join(str(folder / name) for name in written)}")


if __name__ == "__main__":
    run_program(main)

r"""Summarises a result store: means with intervals, worst cases, tables, pictures.

jaxfr results --store=runs/store --group_by=aggregator,attack \
    --metric=hr@10 --output_dir=runs/summary
"""

import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from jaxfr.attacks import CLEAN, CLEAN_RUN
from jaxfr.data.datasets import dataset_name
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.files import user_path
from jaxfr.programs import output_flags
from jaxfr.programs.running import warn
from jaxfr.records import export, selection
from jaxfr.records.chance import main_metric
from jaxfr.records.contents import lack_of_record, option_names
from jaxfr.records.heatmap import draw_heatmap
from jaxfr.records.pictures import can_draw, drawn
from jaxfr.records.record import Record
from jaxfr.records.summary import Cell, WorstCase, summarize, worst_case
from jaxfr.records.tables import format_results
from jaxfr.store import read_store

EXAMPLE = "--where=ranking=full --group_by=aggregator,attack --metric=hr@10"
"""For ``--help``, of the flags that only this program has."""

SUMMARY_FILE = "summary.csv"
WORST_CASE_FILE = "worst_case.csv"
# What a picture's title says, where all runs have it in common.
_TITLE_SETTINGS = ("dataset", "model", "aggregator", "attack", "malicious_ratio")

_STORE = flags.DEFINE_string(
    "store", None, "Folder of the result store to read.", required=True
)
_WHERE = flags.DEFINE_multi_string(
    "where",
    [],
    "Condition that a run must fulfil to be chosen: name=value or name!=value, with | "
    "between several values, as in 'attack=none|spattack_o_d'; null is written none. "
    "The flag may be given several times; all conditions must hold. Default: all runs.",
)
_GROUP_BY = flags.DEFINE_list(
    "group_by",
    None,
    "Settings, with commas between them; runs that agree in all of them are one group. "
    "Default: the settings that differ among the chosen runs, attack last.",
)
_METRIC = flags.DEFINE_list(
    "metric",
    None,
    "Metrics to average, with commas between them, as in hr@10,ndcg@10,hr@5_tail; any "
    "other number of a run will do, such as seconds_train. Default: hr@10, or the "
    "first metric of runs that have none.",
)
_CODE_VERSION = flags.DEFINE_string(
    "code_version",
    "latest",
    "Which runs count where the same settings were run by several versions of the "
    "code. latest: the one that finished last; all: each of them; or the first "
    "characters of a version: those of that version only.",
)
_COLUMNS = flags.DEFINE_string(
    "columns",
    None,
    "The grouping that forms a heatmap's columns; the others form its rows. Default: "
    "attack if runs are grouped by it, otherwise the last grouping.",
)
output_flags.define(
    f"{SUMMARY_FILE} (a row for each metric and group), {WORST_CASE_FILE} (if grouped "
    "by attack) and a heatmap of each metric, as in heatmap_hr_at_10.png"
)
_EXPORT = flags.DEFINE_string(
    "export",
    None,
    "File (.csv or .parquet) for the chosen runs, a row for each with all settings, "
    "the seed and all metrics. Default: not written.",
)
_EXPORT_CURVES = flags.DEFINE_string(
    "export_curves",
    None,
    "File (.csv or .parquet) for the curves of the chosen runs, a row for each run and "
    "evaluation. Default: not written.",
)


def main() -> None:
    """Does what the flags say."""
    exported = _exported_paths()
    path = user_path(_STORE.value, "store")
    records = _chosen_records(read_store(path, lack_of_record))
    group_by = _groupings(records)
    columns = _heatmap_columns(group_by)
    metrics = [main_metric(records[0])]
    if _METRIC.value is not None:
        metrics = _distinct("metric", _METRIC.value)
    cells = {metric: summarize(records, group_by, metric) for metric in metrics}
    cases = {metric: worst_case(cells[metric], group_by) for metric in metrics}
    cases = {metric: found for metric, found in cases.items() if found}

    for path in exported:
        output_flags.prepare_folder(path.parent, [path.name])
    written = _write_output(cells, cases, group_by, columns, _title(records, group_by))
    for path, rows_of in exported.items():
        export.write_rows(rows_of(records), path)
        written.append(path)

    # Files first: what becomes of the printed tables must not cost them.
    averaged = selection.averaged_over(
        records, group_by, (*option_names(records), "dataset_hash", "code_version")
    )
    print(format_results(cells, group_by, averaged))
    warn(records)
    output_flags.tell_written(written)


def _exported_paths() -> dict[pathlib.Path, Callable[[Sequence[Record]], Any]]:
    """The files of the two exports, and what makes the rows of each."""
    exported: dict[pathlib.Path, Callable[[Sequence[Record]], Any]] = {}
    for flag, rows_of in (
        (_EXPORT, lambda records: [export.flatten(record) for record in records]),
        (
            _EXPORT_CURVES,
            lambda records: export.curve_rows(records, option_names(records)),
        ),
    ):
        if flag.value is not None:
            path = user_path(flag.value, flag.name)
            export.check_table_path(path)
            if path in exported:
                raise InvalidInputError(f"{path}: export and export_curves need two")
            exported[path] = rows_of
    return exported


def _chosen_records(stored: Sequence[Record]) -> Sequence[Record]:
    if not stored:
        raise InvalidInputError(f"{_STORE.value}: the store holds no runs yet")
    # Nested values, as the seconds, also under the names that an export gives them.
    records = selection.select(
        [{**export.flatten(record), **record} for record in stored], _WHERE.value
    )
    wanted = _CODE_VERSION.value
    if wanted == "all":
        return records
    if wanted == "latest":
        return selection.latest(records)
    of_version = [r for r in records if r["code_version"].startswith(wanted)]
    if not of_version:
        there = ", ".join(dict.fromkeys(record["code_version"] for record in records))
        raise InvalidInputError(
            f"code_version={wanted}: must be latest, all or the beginning of {there}"
        )
    return of_version


def _groupings(records: Sequence[Record]) -> list[str]:
    if _GROUP_BY.value is not None:
        return _distinct("group_by", _GROUP_BY.value)
    return selection.default_groupings(records, option_names(records))


def _distinct(flag: str, names: Sequence[str]) -> list[str]:
    if not names or len(set(names)) != len(names):
        raise InvalidInputError(f"{flag}: name one, or several distinct ones")
    return list(names)


def _heatmap_columns(group_by: Sequence[str]) -> str:
    if _COLUMNS.value is None:
        return "attack" if "attack" in group_by else group_by[-1]
    if _COLUMNS.value not in group_by:
        raise InvalidInputError(
            f"columns={_COLUMNS.value}: must be one of the groupings, "
            f"{', '.join(group_by)}{nearest(_COLUMNS.value, group_by)}"
        )
    return _COLUMNS.value


def _write_output(
    cells: dict[str, list[Cell]],
    cases: dict[str, list[WorstCase]],
    group_by: Sequence[str],
    columns: str,
    title: str,
) -> list[pathlib.Path]:
    heatmaps = {
        metric: f"heatmap_{metric.replace('@', '_at_')}.png" for metric in cells
    }
    names = [SUMMARY_FILE, WORST_CASE_FILE, *heatmaps.values()]
    folder = output_flags.prepare_output(names)
    if folder is None:
        return []
    written = [folder / SUMMARY_FILE]
    export.write_rows(export.summary_rows(cells, group_by), written[0])
    if cases:
        written.append(folder / WORST_CASE_FILE)
        export.write_rows(export.worst_case_rows(cases, group_by), written[-1])
    if not can_draw():
        print("no heatmaps drawn: that needs pip install 'jaxfr[plots]'")
    for metric, name in heatmaps.items() if can_draw() else ():
        draw = functools.partial(
            draw_heatmap, cells[metric], group_by, columns, metric, title
        )
        written += [folder / name] * drawn(draw, folder / name)
    # Of an earlier call, whose other files were replaced.
    for path in {folder / name for name in names}.difference(written):
        path.unlink(missing_ok=True)
    return written


def _title(records: Sequence[Record], group_by: Sequence[str]) -> str:
    """The settings that all runs share, of those that matter most."""
    common = []
    for name in _TITLE_SETTINGS:
        values = {record.get(name) for record in records}
        if name not in group_by and len(values) == 1:
            (value,) = values
            text = selection.as_text(value)
            if name == "dataset":
                text = dataset_name(text)
            common.append(text if isinstance(value, str) else f"{name}={text}")
    if CLEAN in common:
        # Without an attack the ratio means nothing.
        return ", ".join([*common[: common.index(CLEAN)], CLEAN_RUN])
    return ", ".join(common)

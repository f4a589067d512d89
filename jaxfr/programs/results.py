r"""Summarises a result store: means with intervals, worst cases, tables, pictures.

jaxfr results --store=runs/store --group_by=aggregator,attack \
    --metric=hr@10 --output_dir=runs/summary
"""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from jaxfr.attacks import CLEAN
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.files import user_path
from jaxfr.programs import output_flags, store_flag
from jaxfr.programs.running import warn
from jaxfr.programs.summary_files import (
    DIFFERENCES_FILE,
    SUMMARY_FILE,
    WORST_CASE_FILE,
    summary_of,
    write_summary,
)
from jaxfr.records import export, selection
from jaxfr.records.chance import main_metric
from jaxfr.records.contents import lack_of_record, option_names
from jaxfr.records.lines import check_along
from jaxfr.records.names import value_title
from jaxfr.records.paired import format_differences
from jaxfr.records.record import Record
from jaxfr.records.tables import format_results
from jaxfr.store import Store, last_wanted

EXAMPLE = "--where=ranking=full --group_by=aggregator,attack --metric=hr@10"
"""For ``--help``, of the flags that only this program has."""

# What a picture's title says, where all runs have it in common.
_TITLE_SETTINGS = ("dataset", "model", "aggregator", "attack", "malicious_ratio")

store_flag.define()
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
    "code, or of a file of your own. latest: the one that finished, or was wanted, "
    "last; all: each of them; or the first characters of a version: those of that "
    "version only.",
)
_COLUMNS = flags.DEFINE_string(
    "columns",
    None,
    "The grouping that forms a heatmap's columns; the others form its rows. Default: "
    "attack if runs are grouped by it, otherwise the last grouping.",
)
_COMPARE = flags.DEFINE_string(
    "compare",
    None,
    "The grouping whose values are compared: best and worst are marked among them, and "
    f"every two of them are compared over the same seeds, in {DIFFERENCES_FILE}; if it "
    "is named, these differences are printed as well. Default: aggregator if runs are "
    "grouped by it, otherwise the last grouping but the columns.",
)
_ALONG = flags.DEFINE_string(
    "along",
    None,
    "The grouping of numbers that forms the horizontal axis of lines, as "
    "malicious_ratio. Default: the one with most values, if it has three or more.",
)
output_flags.define(
    f"{SUMMARY_FILE} (a row for each metric and group), {WORST_CASE_FILE} (if grouped "
    f"by attack), {DIFFERENCES_FILE}, and of each metric a table as LaTeX and "
    "Markdown, a heatmap, lines along a setting of numbers, and curves over rounds, "
    "as in table_hr_at_10.tex, heatmap_hr_at_10.png and lines_hr_at_10.png"
)
output_flags.define_figure_width()
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
    records = _chosen_records(store_flag.open_to_read(lack_of_record))
    group_by = _groupings(records)
    columns = _heatmap_columns(group_by)
    compare = _compared(group_by, columns)
    output_flags.tell_undrawn("heatmaps")
    metrics = [main_metric(records[0])]
    if _METRIC.value is not None:
        metrics = _distinct("metric", _METRIC.value)
    summary = summary_of(records, group_by, columns, compare, metrics)
    if _ALONG.value is not None:
        check_along(summary.cells[metrics[0]], group_by, _ALONG.value)
        summary = summary._replace(along=_ALONG.value)
    for path in exported:
        output_flags.prepare_folder(path.parent, [path.name])
    written = write_summary(summary, _title(records, group_by))
    for path, rows_of in exported.items():
        export.write_rows(rows_of(records), path)
        written.append(path)

    # Files first: what becomes of the printed tables must not cost them.
    averaged = selection.averaged_over(
        records, group_by, (*option_names(records), "dataset_hash", "code_version")
    )
    print(format_results(summary.cells, group_by, averaged))
    for metric in metrics if _COMPARE.value is not None else ():
        if summary.differences[metric]:
            told = summary.differences[metric], summary.beside_compared, compare, metric
            print(f"\n{format_differences(*told)}")
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


def _chosen_records(store: Store) -> Sequence[Record]:
    stored = store.records()
    if not stored:
        raise InvalidInputError(f"{store.path}: the store holds no runs yet")
    # Nested values, as the seconds, also under the names that an export gives them.
    records = selection.select(
        [{**export.flatten(record), **record} for record in stored], _WHERE.value
    )
    return selection.of_code_version(
        records, _CODE_VERSION.value, last_wanted(store.path)
    )


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
    return _one_of(group_by, "columns", _COLUMNS.value)


def _one_of(group_by: Sequence[str], flag: str, name: str) -> str:
    if name not in group_by:
        raise InvalidInputError(
            f"{flag}={name}: must be one of the groupings, {', '.join(group_by)}"
            f"{nearest(name, group_by)}"
        )
    return name


def _compared(group_by: Sequence[str], columns: str) -> str:
    if _COMPARE.value is not None:
        return _one_of(group_by, "compare", _COMPARE.value)
    others = [name for name in group_by if name != columns] or [columns]
    return "aggregator" if "aggregator" in group_by else others[-1]


def _title(records: Sequence[Record], group_by: Sequence[str]) -> str:
    """The settings that all runs share, of those that matter most."""
    common = []
    for name in _TITLE_SETTINGS:
        values = {record.get(name) for record in records}
        if name not in group_by and len(values) == 1:
            (value,) = values
            text = value_title(name, value)
            common.append(text if isinstance(value, str) else f"{name}={text}")
            if value == CLEAN:
                break  # Without an attack the ratio means nothing.
    return ", ".join(common)

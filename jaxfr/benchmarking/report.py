"""Records of the benchmark as tables and as a picture."""

import itertools
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from jaxfr.benchmarking.references import PACKAGES
from jaxfr.benchmarking.timing import bytes_per_pair, operations_per_pair
from jaxfr.records.names import part_title
from jaxfr.records.palette import LINE_STYLES, NEUTRAL, looks
from jaxfr.records.pictures import (
    TEXT_WIDTH,
    label_outer,
    legend_below,
    panels_of,
    picture,
    rows_and_columns,
    set_title,
)
from jaxfr.records.record import Record
from jaxfr.terminal import align

_CASE = ("data set", "aggregator", "attack", "devices", "runs", "pairs")
_COST = (
    *("ms per round", "ms per run", "ns per row", "ns per pair", "bandwidth"),
    *("whole run s", "compile s", "peak memory"),
)
_COMPARISON = ("reference", "what it does", "ms per round", "jaxfr / reference")


def format_report(records: Sequence[Record]) -> str:
    """Writes what was measured: a table of costs, one of references, the machine.

    A range in brackets is from the least to the largest of all repeats. "ms per run" is
    a round's share of one of the runs at once, and so is "whole run s"; "bandwidth"
    holds the bytes that a round of the mean moves without a cache against the machine's
    copies.
    """
    costs = [(*_CASE, *_COST), *((*_case(one), *_cost(one)) for one in records)]
    compared = [
        (
            *_case(record),
            *(name, measured["work"]),
            *(_range(measured["seconds_per_round"], 1e3), _range(measured["ratio"], 1)),
        )
        for record in records
        for name, measured in record["references_measured"].items()
    ]
    tables = [costs] + [[(*_CASE, *_COMPARISON), *compared]] * bool(compared)
    return "\n\n".join([*map(align, tables), _machine(records)])


def _case(record: Record) -> tuple[str, ...]:
    names = ("dataset", "aggregator", "attack", "num_devices", "runs")
    return *(str(record[name]) for name in names), f"{record['num_train_pairs']:,}"


def _cost(record: Record) -> tuple[str, ...]:
    whole = record["whole_run"]
    return (
        _range(record["seconds_per_round"], 1e3),
        _short(1e3 * record["seconds_per_run_and_round"]["median"]),
        f"{record['nanoseconds_per_row']['median']:.3g}",
        f"{record['nanoseconds_per_pair']['median']:.3g}",
        f"{record['bandwidth_share']:.0%}",
        f"{1 / whole['runs_per_second']:.3g}" if whole else "",
        f"{record['compile_seconds']:.1f}",
        f"{record['peak_memory_bytes'] / 1e9:.2f} GB",
    )


def draw_cost_by_size(
    records: Sequence[Record], path: pathlib.Path, width: float = TEXT_WIDTH
) -> None:
    """Draws the cost of a pair in a round against the number of pairs.

    A panel for each attack has a line for each aggregator and number of devices, shaded
    from the least to the largest repeat, and two horizontal lines for what the machine
    would need at its copy bandwidth and at its matrix rate.
    """
    attacks = list(dict.fromkeys(record["attack"] for record in records))
    rows, columns = rows_and_columns(len(attacks), width, least=2.5)
    with picture(path, width, 3.0 * rows + 0.6) as figure:
        panels = panels_of(figure, len(attacks), columns, sharex=True, sharey=True)
        for attack, axes in zip(attacks, panels, strict=True):
            _draw_lines(axes, records, attack)
            _draw_limits(axes, records)
            axes.set(
                xscale="log",
                yscale="log",
                xlabel="training pairs",
                ylabel="time per pair and round (ns)",
                title=part_title(attack),
            )
            axes.grid(which="major")
        label_outer(panels, columns)
        first = records[0]
        set_title(
            figure,
            f"Cost of a round, d = {first['embedding_dim']}, on {first['device']} "
            f"({first['machine']['cores']} cores)",
        )
        legend_below(figure)


def _draw_lines(axes: Any, records: Sequence[Record], attack: str) -> None:
    """A line for each aggregator (a colour), devices and runs at once (a style)."""
    rules = looks(record["aggregator"] for record in records)
    numbers = list(dict.fromkeys(map(_devices_and_runs, records)))
    for (rule, look), (style, number) in itertools.product(
        rules.items(), enumerate(numbers)
    ):
        chosen = [
            record
            for record in records
            if (record["attack"], record["aggregator"]) == (attack, rule)
            and _devices_and_runs(record) == number
        ]
        pairs = [record["num_train_pairs"] for record in chosen]
        cost = [record["nanoseconds_per_pair"] for record in chosen]
        axes.plot(
            pairs,
            [spread["median"] for spread in cost],
            linestyle=LINE_STYLES[style % len(LINE_STYLES)],
            marker=look.marker,
            color=look.color,
            label=f"{part_title(rule)}, {number}",
        )
        low, high = ([spread[end] for spread in cost] for end in ("min", "max"))
        axes.fill_between(pairs, low, high, color=look.color, alpha=0.2, linewidth=0)


def _devices_and_runs(record: Mapping[str, Any]) -> str:
    devices, runs = record["num_devices"], record["runs"]
    at_once = f", {runs} runs" if runs > 1 else ""
    return f"{devices} device{'s' * (devices > 1)}{at_once}"


def _draw_limits(axes: Any, records: Sequence[Record]) -> None:
    """What the machine would need for a pair at its best."""
    dim = records[0]["embedding_dim"]
    memory = bytes_per_pair(dim) / _median(records, "copy_gigabytes_per_second")
    matrix = operations_per_pair(dim) / _median(records, "matrix_gigaflops")
    for height, style, name in (
        (memory, (0, (6, 2)), "copy bandwidth"),
        (matrix, (0, (1, 1)), "matrix rate"),
    ):
        axes.axhline(height, color=NEUTRAL, linestyle=style, label=f"limit: {name}")


def _range(spread: Mapping[str, float], factor: float) -> str:
    numbers = [_short(factor * spread[name]) for name in ("median", "min", "max")]
    if spread["min"] == spread["max"]:
        return numbers[0]
    return "{} ({} to {})".format(*numbers)


def _short(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _machine(records: Sequence[Record]) -> str:
    first = records[0]
    copy = _median(records, "copy_gigabytes_per_second")
    rate = _median(records, "matrix_gigaflops")
    packages = ("jax", "jaxlib", *PACKAGES)
    versions = ", ".join(f"{name} {first['versions'][name]}" for name in packages)
    cores = first["machine"]["cores"]
    return (
        f"{first['device']}, {cores} cores: "
        f"copies {copy:.3g} GB/s, float32 products {rate:.3g} GFLOP/s\n{versions}"
    )


def _median(records: Sequence[Record], limit: str) -> float:
    return statistics.median(record["machine"][limit] for record in records)

"""Results in Python: a list of records that shows itself and turns into data frames."""

import html
import pathlib
from collections.abc import Sequence
from typing import Any, Literal, Self, SupportsIndex, TypeAlias, TypeVar, overload

from jaxfr.errors import InvalidInputError, import_extra
from jaxfr.evaluation.names import overall_fields
from jaxfr.files import user_path
from jaxfr.records.caveats import caveats
from jaxfr.records.chance import REFERENCES, main_metric
from jaxfr.records.contents import lack_of_record, option_names
from jaxfr.records.export import (
    Row,
    columns_of,
    curve_rows,
    flatten,
    mean_curve_rows,
    summary_rows,
    worst_case_rows,
)
from jaxfr.records.headings import heading
from jaxfr.records.heatmap import draw_heatmap
from jaxfr.records.lines import along_by_default, check_along, draw_lines
from jaxfr.records.paired import difference_rows, paired_differences
from jaxfr.records.pictures import width_in_inches
from jaxfr.records.plots import check_drawn, draw_curves
from jaxfr.records.record import Record
from jaxfr.records.selection import (
    averaged_over,
    check_columns,
    default_groupings,
    of_code_version,
    select,
    shown,
)
from jaxfr.records.summary import summarize, worst_case
from jaxfr.records.tables import TextTable, results_tables
from jaxfr.showing import Picture, html_table, html_text
from jaxfr.store import last_wanted, read_store
from jaxfr.terminal import fit, paragraph

T = TypeVar("T")

Names: TypeAlias = str | Sequence[str]
"""One option, or several."""

# So many rows of a table are shown.
_MOST_SHOWN = 20


class _Listed(list[T]):
    """A list that turns into data frames, and of which a part is of the same kind."""

    def rows(self) -> "Rows":
        """What is shown, and turned into frames."""
        raise NotImplementedError

    def to_frame(self) -> Any:
        """A ``pandas.DataFrame`` of :meth:`rows`, where pandas is installed."""
        frames = import_extra("pandas", "frames", "to_frame")
        return frames.DataFrame(columns_of(self.rows()))

    def to_polars(self) -> Any:
        """A ``polars.DataFrame`` of :meth:`rows`, where Polars is installed."""
        frames = import_extra("polars", "frames", "to_polars")
        return frames.DataFrame(columns_of(self.rows()))

    @overload
    def __getitem__(self, place: SupportsIndex, /) -> T: ...
    @overload
    def __getitem__(self, place: slice, /) -> Self: ...
    def __getitem__(self, place: Any, /) -> Any:
        found = super().__getitem__(place)
        return type(self)(found) if isinstance(place, slice) else found


class Rows(_Listed[Row]):
    """A table: a list of rows, each a mapping from a column's name to a plain value.

    Shows itself as a table, also in a notebook.

    >>> Rows([{"attack": "none", "mean": 0.25}, {"attack": "lie", "mean": None}])
    attack  mean
    clean   0.25
    lie     -
    """

    def rows(self) -> Self:
        """The rows themselves."""
        return self

    def __repr__(self) -> str:
        return "\n".join(filter(None, [fit(self._texts()), self._more()]))

    def _repr_html_(self) -> str:
        return f"{html_table(self._texts())}{html.escape(self._more())}"

    def _texts(self) -> list[list[str]]:
        names = list(dict.fromkeys(name for row in self for name in row))
        first = self[:_MOST_SHOWN]
        texts = ([_text(name, row.get(name)) for name in names] for row in first)
        return [names, *texts]

    def _more(self) -> str:
        left = len(self) - _MOST_SHOWN
        return f"... and {left} more rows" if left > 0 else ""


# Options that have lines of their own in curves.
_OF_CURVES = ("aggregator", "attack")


class Results(_Listed[Record]):
    """Records of runs, as :func:`jaxfr.sweep` returns them: a list that shows itself.

    Each is a mapping: options, ``seed``, metrics such as ``hr@10``, ``curve``, versions
    and seconds. A part of the list is ``Results`` too.

    >>> runs = [("mean", 0, 0.1), ("mean", 1, 0.2), ("krum", 0, 0.3)]
    >>> results = Results(
    ...     {"aggregator": rule, "attack": "lie", "seed": seed, "hr@10": hits}
    ...     for rule, seed, hits in runs
    ... )
    >>> results[0]["hr@10"]
    0.1
    >>> results
    3 runs that differ in aggregator
    <BLANKLINE>
    aggregator  runs  HR@10
    mean        2     0.1500 ± 0.6353
    krum        1     0.3000
    <BLANKLINE>
    Numbers are means over 1 to 2 seeds, ± half of their 95 % interval by Student's
    t (none is known of a single seed).
    >>> results.where("aggregator=mean").mean("hr@10", by=["seed"])
    seed  metric  runs  diverged  mean  deviation  low  high
    0     hr@10   1     0         0.1   -          -    -
    1     hr@10   1     0         0.2   -          -    -
    >>> results.plot("heatmap")
    Picture of HR@10 by aggregator
    """

    @classmethod
    def read(cls, store: str | pathlib.Path, code_version: str = "latest") -> Self:
        """The runs of a result store, in the order in which each process wrote them.

        Args:
            store: its folder.
            code_version: which runs count where the same settings were run by several
                versions of the code, or of a file of your own. ``latest``: the one that
                finished, or was wanted, last; ``all``: each of them; or the first
                characters of a version.

        Raises:
            InvalidInputError: if there is no store, it cannot be read, or no run of it
                is of that version.
        """
        path = user_path(str(store))
        records = read_store(path, lack_of_record)
        return cls(of_code_version(records, code_version, last_wanted(path)))

    def where(self, *conditions: str) -> Self:
        """The runs that fulfil every condition.

        Args:
            *conditions: such as ``attack=none|lie`` or ``malicious_ratio!=0.1``.

        Raises:
            InvalidInputError: if a condition has another form, names no column, asks
                for a value that no run has, or leaves no run.
        """
        return type(self)(select(self, conditions))

    def rows(self) -> Rows:
        """A row for each run: options, seed, metrics and all else but the curve."""
        return Rows(map(flatten, self))

    def curves(self, by: Names | None = None, over_seeds: bool = False) -> Rows:
        """Metrics by round in long form: a row for each run, evaluation and metric.

        Args:
            by: options; by default those in which the runs differ, and the attack.
            over_seeds: whether runs that agree in these are one curve, their mean.

        Returns:
            Rows of ``run``, the options, ``seed``, ``round``, ``metric``, ``value``; or
            with ``over_seeds`` of the options, ``round``, ``metric``, how many
            ``seeds``, ``mean``, and its 95 % interval from ``low`` to ``high``.
        """
        options = self._by(by)
        measured = {name for record in self for name in overall_fields(record)}
        wide = curve_rows(self, options)
        if over_seeds:
            return Rows(mean_curve_rows(wide, options, measured))
        return Rows(
            {key: one for key, one in row.items() if key not in measured}
            | {"metric": name, "value": row[name]}
            for row in wide
            for name in row
            if name in measured
        )

    def mean(self, *metrics: str, by: Names | None = None) -> Rows:
        """Means over the runs of each group, with 95 % intervals.

        Args:
            *metrics: such as ``hr@10`` or ``ndcg@10_tail``; by default ``hr@10``, or
                the first metric of test items where runs have other ones.
            by: options; runs that agree in all of them are one group. By default those
                in which the runs differ.

        Returns:
            Rows of the options, ``metric``, ``runs``, how many of them ``diverged``,
            ``mean``, ``deviation`` (of the sample), the interval of the mean by
            Student's t from ``low`` to ``high``, and what ``chance`` and the
            ``most_popular`` items give, where any run knows.

        Raises:
            InvalidInputError: if a name is no column, or the metric no number.
        """
        groupings = self._by(by)
        chosen = metrics or (main_metric(self[0]),)
        cells = {metric: summarize(self, groupings, metric) for metric in chosen}
        rows = summary_rows(cells, groupings)
        unknown = [n for n in REFERENCES if all(row[n] is None for row in rows)]
        return Rows({k: v for k, v in row.items() if k not in unknown} for row in rows)

    def worst_case(self, *metrics: str, by: Names = ()) -> Rows:
        """The attack under which users are served worst, for each group.

        Args:
            *metrics: as in :meth:`mean`.
            by: options, the attack left out; none is one group of all runs.

        Returns:
            Rows of the options, ``metric``, ``clean_mean``, ``worst_attack``, the
            numbers of :meth:`mean` under it, ``change_percent`` against clean, and of
            how many ``attacks`` it is the worst.

        Raises:
            InvalidInputError: as :meth:`mean`.
        """
        groupings = [*(name for name in self._by(by) if name != "attack"), "attack"]
        cases = {
            metric: worst_case(summarize(self, groupings, metric), groupings)
            for metric in metrics or (main_metric(self[0]),)
        }
        return Rows(worst_case_rows(cases, groupings))

    def differences(self, *metrics: str, between: str, by: Names = ()) -> Rows:
        """What every two values of an option differ by, over the same seeds.

        Args:
            *metrics: as in :meth:`mean`.
            between: the option, such as ``aggregator``.
            by: options; only runs that agree in all of them are compared.

        Returns:
            Rows of the options, ``metric``, ``first`` and ``second`` value, how many
            ``pairs``, the ``mean`` of first - second, its 95 % interval from ``low`` to
            ``high``, ``p_value`` of the paired t test, and ``holm``, that for as many
            tests as there are rows of the metric.

        Raises:
            InvalidInputError: as :meth:`mean`.
        """
        others = [name for name in self._by(by) if name != between]
        return Rows(
            row
            for metric in metrics or (main_metric(self[0]),)
            for row in difference_rows(
                paired_differences(self, [*others, between], between, metric),
                others,
                metric,
            )
        )

    def plot(
        self,
        kind: Literal["curves", "heatmap", "lines"] = "curves",
        metric: str | None = None,
        by: Names | None = None,
        along: str | None = None,
        figure_width: Literal["text", "column"] | float = "text",
        title: str | None = None,
    ) -> Picture:
        """A picture, which a notebook shows and ``save`` writes to a file.

        Args:
            kind: ``curves``: metrics by round, a line for each attack and aggregator;
                ``heatmap``: means with their intervals; ``lines``: these along an
                option of numbers, a panel for each attack.
            metric: of a heatmap or lines, by default as in :meth:`mean`; the one of
                curves, by default the longest list of each, as HR@10 and nDCG@10.
            by: options that lines, cells or points differ in, the last of which forms
                the columns of a heatmap; by default those in which the runs differ, of
                curves attack and aggregator alone.
            along: the one of ``by`` that forms the horizontal axis of lines, by default
                the one of numbers with most values.
            figure_width: as wide as the text of a paper (7 in) or a column (3.3 in), or
                so many inches.
            title: what stands above; by default over what the picture averages. An
                empty one leaves it away.

        Raises:
            InvalidInputError: if there is no run, a name is no column, curves have no
                such metric, no option of lines has numbers, or matplotlib is not
                installed.
        """
        if kind not in ("curves", "heatmap", "lines"):
            raise InvalidInputError(f"kind={kind!r}: must be curves, heatmap or lines")
        if not self:
            raise InvalidInputError("plot: there are no runs")
        width = width_in_inches(figure_width)
        if kind == "curves":
            differing = [name for name in self._groupings() if name in _OF_CURVES]
            lines = self._by(by or differing or "attack")
            check_columns(lines, self)
            above = self._differing(lines) if title is None else title
            shown = check_drawn(self, metric)
            return Picture(
                f"the curves of {len(self)} runs",
                lambda path: draw_curves(self, above, path, width, lines, shown),
            )
        groupings = self._by(by)
        chosen = metric or main_metric(self[0])
        cells = summarize(self, groupings, chosen)
        above = self._differing(groupings) if title is None else title
        what = f"{heading(chosen)} by {', '.join(groupings)}"
        if kind == "heatmap":
            place = groupings[-1]
            return Picture(
                what,
                lambda path: draw_heatmap(
                    cells, groupings, place, chosen, above, path, width
                ),
            )
        axis = along or along_by_default(cells, groupings) or ""
        check_along(cells, groupings, axis)
        return Picture(
            what,
            lambda path: draw_lines(cells, groupings, axis, chosen, above, path, width),
        )

    def _differing(self, groupings: Sequence[str]) -> str:
        """A title that says over what a picture averages besides the seed."""
        told = averaged_over(self, groupings, option_names(self))
        return f"averaged over {', '.join(told)}" if told else ""

    def __repr__(self) -> str:
        what, tables, notes = self._shown()
        told = "\n".join(map(paragraph, notes))
        return "\n\n".join(filter(None, [what, *map(str, tables), told]))

    def _repr_html_(self) -> str:
        what, tables, notes = self._shown()
        return "".join(
            [
                html_text(what),
                *(html_table(table.rows) for table in tables),
                *map(html_text, notes),
            ]
        )

    def _shown(self) -> tuple[str, list[TextTable], list[str]]:
        """What all runs are, tables of their means, and what must be said of these."""
        count = f"{len(self)} {'run' if len(self) == 1 else 'runs'}"
        try:
            by, metric = self._groupings(), main_metric(self[0])
            cells = summarize(self, by, metric)
        except (InvalidInputError, IndexError):  # no runs, or others' mappings
            return count, [], []
        differ = f" that differ in {', '.join(by)}" if len(cells) > 1 else ""
        tables, notes = results_tables({metric: cells}, by)
        warnings = [f"warning: {line}" for line in caveats(self)]
        return f"{count}{differ}", tables, [*notes, *warnings]

    def _by(self, names: Names | None) -> list[str]:
        if names is None:
            return self._groupings()
        return [names] if isinstance(names, str) else list(names)

    def _groupings(self) -> list[str]:
        return default_groupings(self, option_names(self))


def _text(column: str, value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else shown(column, value)

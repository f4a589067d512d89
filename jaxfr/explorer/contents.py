"""What the page knows of a store: all of its runs in columns, rounded for drawing."""

import collections
import datetime
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.names import find_metric, is_higher_better, overall_fields
from jaxfr.explorer.command import command_without_seed, part_texts
from jaxfr.records.caveats import caveats, has_diverged
from jaxfr.records.chance import REFERENCES, reference
from jaxfr.records.contents import option_names
from jaxfr.records.export import flatten
from jaxfr.records.headings import direction, heading
from jaxfr.records.names import value_title
from jaxfr.records.palette import NEUTRAL, PALETTE, looks
from jaxfr.records.record import Record
from jaxfr.records.selection import latest, varying
from jaxfr.records.summary import CONFIDENCE

# A run computes in float32, which has seven digits; of a curve nobody sees so many.
_DIGITS = 7
_CURVE_DIGITS = 5
# Beyond, the quantiles of Student's t are near enough to a series.
_QUANTILES = 200
_REFERENCE = re.compile(rf"({'|'.join(REFERENCES)})_")

Column = dict[str, list[Any]]


def contents_of(
    stored: Sequence[Record],
    store: str,
    unfinished: Mapping[str, int] | None = None,
    wanted: Mapping[str, datetime.datetime] | None = None,
) -> dict[str, Any]:
    """All that the page is made of, as plain values that JSON has.

    A column is the distinct ``values`` and, if there are several, for each run ``at``
    which place its own stands. Of runs of the same settings by several versions of the
    code the last counts.

    Args:
        stored: records, at least one.
        store: what the store is called.
        unfinished: how many more are wanted, by what became of them, as
            ``{"running": 2}``.
        wanted: when each run was wanted last.
    """
    records = latest(stored, wanted)
    parts = [part_texts(record) for record in records]
    rows = [
        flatten(record) | texts for record, texts in zip(records, parts, strict=True)
    ]
    settings = option_names(rows)
    metrics = list(
        dict.fromkeys(m for record in records for m in overall_fields(record))
    )
    names = dict.fromkeys(name for row in rows for name in row)
    moment = datetime.datetime.now(datetime.UTC).isoformat(" ", "minutes")
    return {
        "store": store,
        "written": moment.removesuffix("+00:00"),
        "runs": len(records),
        "older": len(stored) - len(records),
        "unfinished": {state: n for state, n in (unfinished or {}).items() if n},
        "caveats": caveats(records),
        "clean": CLEAN,
        "titles": {
            name: _titles(name, dict.fromkeys(row.get(name) for row in rows))
            for name in settings
        },
        "palette": PALETTE,
        "neutral": NEUTRAL,
        "colors": {
            name: _colors([r[name] for r in records], [one[name] for one in parts])
            for name in ("attack", "aggregator")
        },
        "settings": settings,
        "varying": varying(rows, [*settings, "dataset_hash"]),
        "metrics": [_describe(metric) for metric in metrics],
        "thirds": list(GROUP_NAMES),
        "columns": {
            name: _column([row.get(name) for row in rows])
            for name in names
            if not _REFERENCE.match(name)
        },
        "diverged": _column([has_diverged(record) for record in records]),
        "references": {
            name: {
                field: _column([_known(reference(r, name, field)) for r in records])
                for metric in metrics
                for field in _fields(metric)
            }
            for name in REFERENCES
        },
        "rounds": _column([tuple(p["round"] for p in r["curve"]) for r in records]),
        "curves": {
            metric: [
                [_rounded(point.get(metric), _CURVE_DIGITS) for point in r["curve"]]
                for r in records
            ]
            for metric in metrics
        },
        "commands": _column(
            [
                command_without_seed(record, texts)
                for record, texts in zip(records, parts, strict=True)
            ]
        ),
        "quantiles": _quantiles(),
    }


def _titles(option: str, values: Iterable[Any]) -> dict[str, str]:
    """What pictures and tables call values, where two are not called the same."""
    titles = {v: value_title(option, v) for v in values if isinstance(v, str)}
    times = collections.Counter(titles.values())
    return {v: t for v, t in titles.items() if v != t and times[t] == 1}


def _colors(names: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """The colours that pictures give to parts, by what the page writes of each."""
    called = dict(zip(texts, names, strict=True))
    if len(set(names)) < len(called):  # of a part with several options
        called = {text: text for text in called}
    look = looks(called.values())
    return {text: look[name].color for text, name in called.items()}


def _describe(metric: str) -> dict[str, Any]:
    known = find_metric(metric)
    return {
        "name": metric,
        "heading": f"{heading(metric)}{direction(metric)}",
        "higher": is_higher_better(metric),
        "thirds": bool(known and known.has_groups),
        "share": known is not None,  # all of ours lie between 0 and 1
    }


def _fields(metric: str) -> list[str]:
    return [metric, *(f"{metric}_{group}" for group in GROUP_NAMES)]


def _column(values: Sequence[Any]) -> Column:
    """A value of each run, each distinct one once; 1, 1.0 and true are three."""
    places: dict[tuple[type, Any], int] = {}
    rounded = [_rounded(value, _DIGITS) for value in values]
    at = [places.setdefault((type(one), one), len(places)) for one in rounded]
    distinct = [value for _, value in places]
    return {"values": distinct} | ({"at": at} if len(distinct) > 1 else {})


def _rounded(value: Any, digits: int) -> Any:
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _quantiles() -> list[float]:
    """How many standard errors an interval reaches, for 1, 2, ... degrees of freedom.

    The last is of the normal distribution.
    """
    from scipy.special import stdtrit

    freedoms = [*range(1, _QUANTILES + 1), math.inf]
    return [
        _rounded(float(stdtrit(one, (1 + CONFIDENCE) / 2)), _DIGITS) for one in freedoms
    ]

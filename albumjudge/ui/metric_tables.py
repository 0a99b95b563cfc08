"""Tables of measured numbers, ``{row id: {metric id: number}}``, with every column explained in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

from albumjudge import metrics
from albumjudge.metrics import Metric
from albumjudge.ui import markup
from albumjudge.ui.words import N_, _, number, percent, translate

_BETTER = {"": "", "higher": N_("Higher is better."), "lower": N_("Lower is better.")}
Rows = Mapping[str, Mapping[str, object]]


def shown(value: object, share: bool = False) -> str:
    """A number as people read it; a dash where there is none."""
    if isinstance(value, bool) or value is None:
        return "–" if value is None else (_("yes") if value else _("no"))
    if not isinstance(value, int | float):
        return translate(str(value))
    if not math.isfinite(value):
        return "–"
    if share:
        return percent(value)
    if isinstance(value, int):
        return number(value)
    decimals = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3
    return number(value, decimals)


def is_table(content: object) -> bool:
    """Whether ``content`` is a table as this module shows them: rows of numbers, at least one of each."""
    return (
        isinstance(content, Mapping)
        and len(content) > 0
        and all(
            isinstance(row, Mapping)
            and row
            and all(value is None or isinstance(value, int | float | str) for value in row.values())
            for row in content.values()
        )
    )


def columns_of(rows: Rows) -> list[str]:
    """Columns in order of first use."""
    return list(dict.fromkeys(column for row in rows.values() for column in row))


def table(rows: Rows, title: str = "", *, ranked: bool = True) -> str:
    """HTML of a table; the best number of each column is marked where better and worse exist.

    Args:
        rows: numbers by row and column.
        title: what a screen reader calls the table.
        ranked: whether best numbers are marked at all; see :class:`albumjudge.metrics.Table`.
    """
    columns = {name: metrics.column(name) for name in columns_of(rows)}
    head = "".join(f'<th scope="col">{escape(translate(metric.label))}</th>' for metric in columns.values())
    best = {name: _best(rows, name, metric) if ranked else None for name, metric in columns.items()}
    lines = []
    for row_id, row in rows.items():
        cells = "".join(
            f"<td{_mark(best[name], row.get(name))}>{escape(shown(row.get(name), metric.share))}</td>"
            for name, metric in columns.items()
        )
        lines.append(f'<tr><th scope="row">{escape(translate(metrics.row_label(row_id)))}</th>{cells}</tr>')
    name = escape(translate(title) or _("Measurements"))
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">'
        f'<table class="measures"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def terms(columns: list[str]) -> str:
    """HTML that explains columns in plain words; empty if there is nothing to explain."""
    known = {metric.label: metric for metric in map(metrics.column, columns) if metric.meaning}
    entries = [
        (translate(metric.label), f"{translate(metric.meaning)} {_(_BETTER[metric.direction])}".strip())
        for metric in known.values()
    ]
    return markup.terms(entries) if entries else ""


def _mark(best: float | None, value: object) -> str:
    return ' class="best"' if best is not None and value == best else ""


def _best(rows: Rows, column: str, metric: Metric) -> float | None:
    values = [
        v for row in rows.values() if isinstance(v := row.get(column), int | float) and math.isfinite(v)
    ]
    if not metric.direction or len(values) < 2:
        return None
    return max(values) if metric.direction == "higher" else min(values)

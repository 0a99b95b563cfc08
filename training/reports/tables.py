"""Tables of measured numbers: ``{row name: {column name: number}}``, as they stand in ``metrics.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping

from albumjudge import metrics

Rows = Mapping[str, Mapping[str, float]]


def markdown_table(rows: Rows, corner: str = "") -> str:
    """Rows as an aligned Markdown table; columns in order of first use, a dash where a row has none."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = [[corner, *columns]]
    for name, row in rows.items():
        lines.append([name, *(number(row[column]) if column in row else "-" for column in columns)])
    lines = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(columns) + 1)]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [
        [line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in (padded[0], ruler, *padded[1:]))


def number(value: float) -> str:
    """Write a number for a reader: counts whole with thousands apart, others to four significant digits."""
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(decimals, 6)}f}"


def labelled(rows: Rows) -> dict[str, dict[str, float]]:
    """A table by id with what a reader calls its rows and columns."""
    return {
        metrics.row_label(name): {metrics.column(id).label: value for id, value in row.items()}
        for name, row in rows.items()
    }

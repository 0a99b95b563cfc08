"""Tables of measured numbers, ``{row: {column: number}}``, with every column explained in plain words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

Rows = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Measure:
    """How to show and explain one column.

    Attributes:
        title: heading of the column.
        meaning: one plain sentence.
        better: "high", "low" or None where neither is better.
        share: whether the number is a share, to be shown as a percentage.
    """

    title: str
    meaning: str
    better: str | None = None
    share: bool = False


MEASURES: dict[str, Measure] = {
    "kl": Measure(
        "KL",
        "Kullback-Leibler divergence: how surprised one would be by people’s votes, had one believed "
        "the machine. 0 is perfect.",
        "low",
    ),
    "jsd": Measure(
        "JSD",
        "Jensen-Shannon divergence: how far apart the machine’s shares and people’s are, 0 to 0.69.",
        "low",
    ),
    "cosine": Measure(
        "Cosine",
        "Whether the two distributions point the same way: 1 if they do, 0 if they share nothing.",
        "high",
    ),
    "chebyshev": Measure("Chebyshev", "The largest error in a single emotion’s share.", "low"),
    "intersection": Measure(
        "Intersection", "How much of people’s distribution and the machine’s is the same.", "high", True
    ),
    "top1": Measure(
        "Top 1",
        "How often the machine’s first feeling is what most people felt, on pictures where people "
        "clearly agree.",
        "high",
        True,
    ),
    "top2": Measure("Top 2", "How often it is among the machine’s first two.", "high", True),
    "polarity": Measure(
        "Polarity", "How often the machine is right about pleasant or unpleasant.", "high", True
    ),
    "ecetempered": Measure(
        "ECE, tempered",
        "The same once the machine’s confidence has been turned up or down by one number.",
        "low",
    ),
    "clark": Measure(
        "Clark", "Clark distance: counts small shares as much as large ones. 0 is perfect.", "low"
    ),
    "canberra": Measure("Canberra", "Canberra metric: much the same, added up in another way.", "low"),
    "spearman": Measure(
        "Spearman",
        "Whether the eight feelings stand in the same order for people and machine: 1 if so.",
        "high",
    ),
    "balancedaccuracy": Measure(
        "Balanced accuracy",
        "As Top 1, but every feeling counts the same, however rare it is.",
        "high",
        True,
    ),
    "entropycorrelation": Measure(
        "Knows what divides",
        "Whether it is undecided where people are divided (rank correlation): 1 if so, 0 if it has no idea.",
        "high",
    ),
    "rankcorrelation": Measure(
        "Rank correlation", "1 if the two go together, 0 if they have nothing to do with each other."
    ),
    "sharelost": Measure(
        "Share lost", "How much of the feeling’s share is gone when that part is painted over."
    ),
    "first": Measure("First", "How often this feeling comes first."),
    "ece": Measure(
        "ECE",
        "Expected calibration error: how far its percentages are from how often it is right. 0 is honest.",
        "low",
    ),
    "frechet": Measure(
        "Fréchet distance",
        "How far painted covers are, as a crowd, from real ones, seen through VGG16. 0 is the same crowd.",
        "low",
    ),
    "kernel": Measure(
        "Kernel distance",
        "The same question, asked in a way that depends less on how many covers are compared.",
        "low",
    ),
    "images": Measure("Pictures", "How many pictures the row was measured on."),
    "n": Measure("Pictures", "How many pictures the row was measured on."),
}
"""By letters and digits in a column's name; see :func:`measure`."""


def measure(column: str) -> Measure:
    """What is known about a column: by its name or a word in it, else only its name."""
    if bound := re.fullmatch(r"(.+), (low|high)", column):
        end = "lower" if bound[2] == "low" else "upper"
        return Measure(f"{measure(bound[1]).title}, {end} end", "")
    if column.startswith("first: "):
        return Measure(column.removeprefix("first: "), "", share=True)
    plain = re.sub(r"[^a-z0-9]", "", column.lower())
    known = next(
        (found for key, found in MEASURES.items() if plain == key or (len(key) > 2 and key in plain)), None
    )
    if known is None:
        return Measure(column.replace("_", " "), "")
    if re.search(r"[ _-](sd|std)$", column):
        return Measure(f"± {known.title}", "How much the number before it varies from sample to sample.")
    return known


def shown(value: object, share: bool = False) -> str:
    """A number as people read it; a dash where there is none."""
    if isinstance(value, bool) or value is None:
        return "–" if value is None else ("yes" if value else "no")
    if not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return "–"
    if share:
        return f"{value:.0%}".replace("%", " %")
    if isinstance(value, int):
        return f"{value:,}"
    decimals = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3
    return f"{value:,.{decimals}f}"


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


def table(rows: Rows, title: str = "Measurements") -> str:
    """HTML of a table; the best number of each column is marked where better and worse exist.

    Args:
        rows: numbers by row and column.
        title: what a screen reader calls the table.
    """
    columns = columns_of(rows)
    head = "".join(f'<th scope="col">{escape(measure(column).title)}</th>' for column in columns)
    best = {column: _best(rows, column) for column in columns}
    lines = []
    for name, row in rows.items():
        cells = "".join(
            f'<td class="best">{_cell(row, column)}</td>'
            if best[column] is not None and row.get(column) == best[column]
            else f"<td>{_cell(row, column)}</td>"
            for column in columns
        )
        lines.append(f'<tr><th scope="row">{escape(name.replace("_", " "))}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">'
        f'<table class="measures"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def terms(columns: list[str]) -> str:
    """HTML that explains columns in plain words; empty if there is nothing to explain."""
    known = {m.title: m for m in map(measure, columns) if m.meaning}
    entries = "".join(
        f"<div><dt>{escape(m.title)}</dt><dd>{escape(m.meaning)}{_direction(m)}</dd></div>"
        for m in known.values()
    )
    return f'<dl class="terms">{entries}</dl>' if entries else ""


def _direction(known: Measure) -> str:
    return "" if known.better is None else f" {'Higher' if known.better == 'high' else 'Lower'} is better."


def _cell(row: Mapping[str, object], column: str) -> str:
    return escape(shown(row.get(column), measure(column).share))


def _best(rows: Rows, column: str) -> float | None:
    better = measure(column).better
    values = [
        v for row in rows.values() if isinstance(v := row.get(column), int | float) and math.isfinite(v)
    ]
    if better is None or len(values) < 2:
        return None
    return max(values) if better == "high" else min(values)

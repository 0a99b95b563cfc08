"""Other paintings and what people felt before them: FeelingBlue and WikiArt-Emotions.

FeelingBlue (Ananthram, Winn & Muresan, TACL 2023) has best-worst scores from -1 to 1 for one or two of five
emotions a picture; WikiArt-Emotions (Mohammad & Kiritchenko, LREC 2018) the share of people who named each of
twenty emotions.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.images import DataError, load_all, raise_if

PREFIXES = ("bws_", "wikiart_")


@dataclass(frozen=True)
class OtherPaintings:
    """Paintings in memory.

    Attributes:
        file_names: n names.
        pixels: uint8, shape ``(n, size, size, 3)``, RGB.
        columns: names of the k scales.
        scores: float64, shape ``(n, k)``, NaN where nobody was asked.
    """

    file_names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    columns: tuple[str, ...]
    scores: NDArray[np.float64]


def load_other_paintings(root: Path, *, size: int = 64) -> OtherPaintings:
    """Read a folder with ``metadata.csv``: ``file_name`` and columns that begin with ``bws_`` or ``wikiart_``.

    Args:
        size: side in pixels to which images of another size are squashed.

    Raises:
        DataError: if the folder's table is missing or has no such columns, a cell is no number, or an image is
            missing or broken.
    """
    table = root / "metadata.csv"
    if not table.is_file():
        raise DataError(f"{table} is missing. Give --others the folder that holds it and its images.")
    with table.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        columns = tuple(name for name in reader.fieldnames or () if name.startswith(PREFIXES))
        if not columns or "file_name" not in (reader.fieldnames or ()):
            raise DataError(f"{table} needs file_name and columns that begin with bws_ or wikiart_.")
        rows = list(reader)
    scores = np.full((len(rows), len(columns)), np.nan)
    problems: list[str] = []
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if cell := (row[column] or "").strip():
                try:
                    scores[i, j] = float(cell)
                except ValueError:
                    scores[i, j] = math.inf
                if not math.isfinite(scores[i, j]):
                    problems.append(f"line {i + 2} has {cell!r} as {column}")
    pixels = load_all(root, [row["file_name"] for row in rows], size, problems, square=False)
    raise_if(problems, f"Paintings under {root} cannot be used", "Restore them or correct the table.")
    if not rows:
        raise DataError(f"{table} lists no painting.")
    return OtherPaintings(tuple(row["file_name"] for row in rows), pixels, columns, scores)

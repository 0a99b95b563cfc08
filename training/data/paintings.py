"""Other paintings and what people felt before them: FeelingBlue and WikiArt-Emotions.

FeelingBlue (Ananthram, Winn & Muresan, TACL 2023) has best-worst scores from -1 to 1 for one or two of five
emotions a picture; WikiArt-Emotions (Mohammad & Kiritchenko, LREC 2018) the share of people who named each of
twenty emotions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
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
    path = root / "metadata.csv"
    if not path.is_file():
        raise DataError(f"{path} is missing. Give --others the folder that holds it and its images.")
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    columns = tuple(name for name in table.columns if name.startswith(PREFIXES))
    if not columns or "file_name" not in table.columns:
        raise DataError(f"{path} needs file_name and columns that begin with bws_ or wikiart_.")
    if table.empty:
        raise DataError(f"{path} lists no painting.")
    cells = table[list(columns)]
    scores = cells.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    problems = [
        f"line {i + 2} has {cells.iat[i, j]!r} as {columns[j]}"
        for i, j in np.argwhere(~np.isfinite(scores) & (cells.to_numpy() != ""))
    ]
    names = tuple(table["file_name"])
    pixels = load_all(root, names, size, problems, square=False)
    raise_if(problems, f"Paintings under {root} cannot be used", "Restore them or correct the table.")
    return OtherPaintings(names, pixels, columns, scores)

"""Abstract paintings and the votes on what people felt before them (Machajdik & Hanbury, ACM MM 2010)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain.emotions import NAMES
from training.data.images import DataError, load_all, raise_if

TABLE = "ABSTRACT_groundTruth.csv"
COLUMNS = ("Amusement", "Anger", "Awe", "Content", "Disgust", "Excitement", "Fear", "Sad")
assert len(COLUMNS) == len(NAMES)


@dataclass(frozen=True)
class PaintingSet:
    """Paintings in memory.

    Attributes:
        file_names: n names.
        pixels: uint8, shape ``(n, size, size, 3)``, RGB.
        votes: int64, shape ``(n, 8)``, people per emotion in :data:`albumjudge.domain.emotions.NAMES`' order.
    """

    file_names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    votes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.file_names)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Votes over their sum, shape ``(n, 8)``."""
        return np.asarray(self.votes / self.votes.sum(1, keepdims=True))

    @property
    def clear(self) -> NDArray[np.bool_]:
        """Which paintings have one emotion with more votes than any other, shape ``(n,)``."""
        ranked = np.sort(self.votes, axis=1)
        return np.asarray(ranked[:, -1] > ranked[:, -2])


def load_paintings(root: Path, *, size: int = 64) -> PaintingSet:
    """Read the published folder: ``ABSTRACT_groundTruth.csv`` beside ``Images/``.

    Args:
        root: that folder.
        size: side in pixels to which images of another size are squashed.

    Raises:
        DataError: if the folder, the table, a column or an image is missing, an image is broken, an image has
            no line, or a line has no usable votes.
    """
    table = root / TABLE
    if not table.is_file():
        raise DataError(f"{table} is missing. Give --data the folder that holds it and Images/.")
    with table.open(newline="", encoding="utf-8-sig") as lines:
        rows = [
            [cell.strip().strip("'") for cell in row] for row in csv.reader(lines, quotechar="\x00") if row
        ]
    expected = ("file_path", *COLUMNS)
    if not rows or tuple(rows[0]) != expected:
        raise DataError(f"The first line of {table} must name the columns {', '.join(expected)}.")
    found: dict[str, list[int]] = {}
    problems: list[str] = []
    for number, (name, *cells) in enumerate(rows[1:], start=2):
        votes = [int(cell) if cell.isdigit() else -1 for cell in cells]
        if len(votes) != len(COLUMNS) or min(votes) < 0:
            problems.append(f"line {number} ({name}) needs {len(COLUMNS)} whole numbers of votes")
        elif sum(votes) == 0:
            problems.append(f"line {number} ({name}) has no votes")
        elif name in found:
            problems.append(f"line {number} repeats {name}")
        else:
            found[name] = votes
    pictures = (p for p in (root / "Images").glob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    strangers = {picture.name for picture in pictures} - {row[0] for row in rows}
    problems += [f"Images/{name} has no line" for name in sorted(strangers)]
    pixels = load_all(root, [f"Images/{name}" for name in found], size, problems, square=False)
    raise_if(problems, f"Paintings under {root} cannot be used", "Restore them or correct the table.")
    if not found:
        raise DataError(f"{table} lists no painting.")
    return PaintingSet(tuple(found), pixels, np.array(list(found.values()), np.int64))

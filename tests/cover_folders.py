"""Folders of covers for the tests of training, painted on the spot."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

FIELDS = ("file_name", "source", "genre", "decade")


def write_metadata(root: Path, rows: list[dict[str, str]], fields: tuple[str, ...] = FIELDS) -> None:
    """Write ``root/metadata.csv``."""
    with (root / "metadata.csv").open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, fields)
        writer.writeheader()
        writer.writerows(rows)


def rows(root: Path, name: str = "metadata.csv") -> list[dict[str, str]]:
    """What a list in a folder says, line by line."""
    with (root / name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def cover_folder(root: Path, count: int = 12, *, size: int = 20, source: str = "test") -> Path:
    """Fill ``root`` with ``count`` PNG covers, each of another random colour and pattern, and their list."""
    (root / "images").mkdir(parents=True)
    chance = np.random.default_rng(7)
    rows = []
    for number in range(count):
        name = f"images/{number:03d}.png"
        pixels = chance.integers(0, 256, (1, 1, 3)) * chance.random((size, size, 1))
        Image.fromarray(pixels.astype(np.uint8)).save(root / name)
        rows.append({"file_name": name, "source": source, "genre": "rock|pop", "decade": "1970s"})
    write_metadata(root, rows)
    return root

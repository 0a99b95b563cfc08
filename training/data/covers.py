"""Album covers for training: a folder of images with a ``metadata.csv``, as in Hugging Face's ImageFolder."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from albumjudge.domain.conditions import DECADES, GENRES
from training.data.images import DataError as DataError
from training.data.images import load_all, raise_if


@dataclass(frozen=True)
class CoverEntry:
    """One line of ``metadata.csv``. ``genres`` and ``year`` are empty, ``decade`` None where unknown."""

    file_name: str
    source: str
    genres: tuple[str, ...]
    decade: str | None
    year: str = ""


@dataclass(frozen=True)
class CoverSet:
    """Covers in memory: ``pixels`` is uint8, shape ``(n, 3, size, size)``, RGB; ``entries`` has length n."""

    pixels: NDArray[np.uint8]
    entries: tuple[CoverEntry, ...]

    def __len__(self) -> int:
        return len(self.entries)


def read_metadata(root: Path) -> tuple[CoverEntry, ...]:
    """Read ``root/metadata.csv`` (columns ``file_name``; optional ``source``, ``genre``, ``decade``).

    Raises:
        DataError: if the folder, the file or its ``file_name`` column is missing, a name occurs twice, or a
            genre or decade is unknown.
    """
    path = root / "metadata.csv"
    if not root.is_dir():
        raise DataError(f"There is no folder {root}. Give --data a folder of covers with a metadata.csv.")
    if not path.is_file():
        raise DataError(f"{path} is missing. It lists the covers, one line each, with a column file_name.")
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        if "file_name" not in (reader.fieldnames or ()):
            raise DataError(f"{path} has no column file_name in its first line.")
        rows = list(reader)
    entries: list[CoverEntry] = []
    problems: list[str] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        name = (row.get("file_name") or "").strip()
        genres = tuple(g for g in (row.get("genre") or "").split("|") if g)
        decade = (row.get("decade") or "").strip() or None
        if decade is not None and decade.isdigit():
            decade += "s"
        if not name:
            problems.append(f"line {number} names no file")
        elif name in seen:
            problems.append(f"line {number} repeats {name}")
        elif unknown := [g for g in genres if g not in GENRES]:
            problems.append(f"line {number} has the unknown genre {unknown[0]!r}")
        elif decade is not None and decade not in DECADES:
            problems.append(f"line {number} has the unknown decade {decade!r}")
        seen.add(name)
        source, year = ((row.get(column) or "").strip() for column in ("source", "year"))
        entries.append(CoverEntry(name, source, genres, decade, year))
    raise_if(problems, f"{path} has lines that cannot be used", "Correct or remove them.")
    return tuple(entries)


def hold_out(entries: Sequence[CoverEntry], count: int) -> tuple[list[CoverEntry], list[CoverEntry]]:
    """Part covers into those to train on and ``count`` to measure on, both in their order.

    The hash of a file's name decides, so a cover keeps its side when others come or go, but for the few whose
    hash lies near the border between the two.

    Raises:
        DataError: if no cover is left to train on.
    """
    if count >= len(entries) > 0:
        raise DataError(
            f"{len(entries)} covers are too few to hold {count} out. Give more, or hold out fewer."
        )
    ranked = sorted(entries, key=lambda entry: hashlib.sha256(entry.file_name.encode()).digest())
    held = {entry.file_name for entry in ranked[:count]}
    return (
        [entry for entry in entries if entry.file_name not in held],
        [entry for entry in entries if entry.file_name in held],
    )


def label_numbers(entries: Sequence[CoverEntry], chance: torch.Generator) -> torch.Tensor:
    """Genre and decade as the generator takes them: int64, shape ``(n, 2)``, 0 for unknown.

    Of several genres one is drawn.
    """
    draws = torch.rand(len(entries), generator=chance).tolist()
    return torch.tensor(
        [
            (
                1 + GENRES.index(entry.genres[int(draw * len(entry.genres))]) if entry.genres else 0,
                1 + DECADES.index(entry.decade) if entry.decade else 0,
            )
            for entry, draw in zip(entries, draws, strict=True)
        ]
    )


def load_covers(
    root: Path,
    *,
    size: int,
    source: str | None = None,
    held_out: int = 0,
    held: bool = False,
) -> CoverSet:
    """Decode covers into memory, scaled to ``size`` by a box or Lanczos filter.

    Args:
        root: folder with ``metadata.csv``.
        size: side in pixels of the covers returned.
        source: keep only entries of this source; None keeps all.
        held_out: part so many covers off, see :func:`hold_out`.
        held: return the covers held out instead of the others.

    Raises:
        DataError: if the metadata is unusable, nothing is left, or any listed image is missing, broken or
            not square.
    """
    everything = [e for e in read_metadata(root) if source is None or e.source == source]
    entries = hold_out(everything, held_out)[held]
    if not entries:
        raise DataError(
            f"{root}/metadata.csv lists no cover" + (f" of source {source!r}." if source else ".")
        )
    problems: list[str] = []
    pixels = load_all(root, [entry.file_name for entry in entries], size, problems)
    raise_if(problems, f"Covers under {root} cannot be used", "Restore them or remove their lines.")
    return CoverSet(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)), tuple(entries))

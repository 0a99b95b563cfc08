"""Which pictures are trained on and which are tested on: fixed splits, kept in ``splits.json``.

The abstract paintings are cross-validated (5 x 5 folds, and 70/30 ten times). Of the other paintings a fifth is
held out, drawn by a hash of the file name: nothing that is measured is trained on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.images import DataError

SPLITS = Path(__file__).parent / "splits.json"
SEED = 2010
PARTS = 5


@dataclass(frozen=True)
class Split:
    """Rows of pictures to train and to test on; ``repeat`` counts full passes."""

    repeat: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True)
class Protocol:
    """A name for people, and its splits."""

    name: str
    splits: tuple[Split, ...]


def part(file_name: str) -> int:
    """Which of five parts a file belongs to, by the SHA-256 of its name; part 0 is held out."""
    return int(hashlib.sha256(file_name.encode()).hexdigest(), 16) % PARTS


def read_splits(names: Sequence[str], file: Path = SPLITS) -> tuple[Protocol, Protocol]:
    """The committed splits of the abstract paintings: repeated five-fold cross-validation, and ten times 70/30.

    The file has for each painting five digits, its fold in each repeat, a blank, and ten digits: 1 where it is
    held out.

    Raises:
        DataError: if the file is missing, broken, or speaks of other paintings.
    """
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))["splits"]
        columns = zip(*(kept[name].split() for name in names), strict=True)
        places, held = (np.array([list(map(int, line)) for line in column]).T for column in columns)
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise DataError(f"{file} does not fit these paintings ({error!r}).") from error
    folds = tuple(
        Split(repeat, np.flatnonzero(row != fold), np.flatnonzero(row == fold))
        for repeat, row in enumerate(places)
        for fold in np.unique(row)
    )
    holdouts = tuple(
        Split(draw, np.flatnonzero(row == 0), np.flatnonzero(row)) for draw, row in enumerate(held)
    )
    return (
        Protocol(f"{len(places)} x {places.max() + 1}-fold cross-validation", folds),
        Protocol(f"70/30, {len(held)} times", holdouts),
    )

"""Which pictures are trained on and which are tested on.

The abstract paintings are cross-validated, in folds that a seed draws. Of the other paintings a fifth is held
out, drawn by a hash of the file name: nothing that is measured is trained on it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEED = 2010
PARTS = REPEATS = FOLDS = 5


@dataclass(frozen=True)
class Split:
    """Rows of pictures to train and to test on; ``repeat`` counts full passes."""

    repeat: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]


Protocol = tuple[Split, ...]


def part(file_name: str) -> int:
    """Which of five parts a file belongs to, by the SHA-256 of its name; part 0 is held out."""
    return int(hashlib.sha256(file_name.encode()).hexdigest(), 16) % PARTS


def cross_validation(count: int) -> Protocol:
    """Five times five folds of so many pictures."""
    places = [np.argsort(np.random.default_rng([SEED, r]).permutation(count)) % FOLDS for r in range(REPEATS)]
    return tuple(
        Split(repeat, np.flatnonzero(row != fold), np.flatnonzero(row == fold))
        for repeat, row in enumerate(places)
        for fold in range(FOLDS)
    )

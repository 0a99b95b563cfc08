"""How far the crowd is from the verdict, beside how far mere chance in few votes would take it.

Ten people who felt exactly what the machine says would still not vote in exactly its shares. Only what
goes beyond that noise is disagreement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from albumjudge.statistics.intervals import SEED, Floats

DRAWS = 200
"""Crowds imagined per cover."""


def jensen_shannon(first: Floats, second: Floats) -> Floats:
    """Jensen-Shannon divergence (Lin, 1991) along the last axis, in nats: 0 (equal) to log 2, about 0.69.

    Args:
        first: distributions, shape (..., k).
        second: the same number of them, or a shape that broadcasts.
    """
    middle = (first + second) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        halves = sum(
            np.where(part > 0, part * np.log(np.where(part > 0, part, 1) / middle), 0).sum(axis=-1)
            for part in (first, second)
        )
    result: Floats = np.maximum(np.asarray(halves) / 2, 0)
    return result


def imagined_counts(
    votes: NDArray[np.int64], verdicts: Floats, *, draws: int = DRAWS, seed: int = SEED
) -> NDArray[np.int64]:
    """Votes of crowds that feel exactly as the machine says.

    Args:
        votes: number of votes per cover, shape (C,).
        verdicts: shape (C, k), rows add up to one.
        draws: crowds per cover, R.
        seed: the same seed gives the same crowds.

    Returns:
        Votes by draw, cover and emotion, shape (R, C, k).
    """
    chance = np.random.default_rng(seed)
    return chance.multinomial(votes, verdicts, size=(draws, len(votes))).astype(np.int64)


def shares(counts: NDArray[np.int64]) -> Floats:
    """Counts as distributions along the last axis; zeros where there are none."""
    result: Floats = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return result

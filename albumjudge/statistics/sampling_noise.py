"""How far the shares of few votes lie from the verdict by chance alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from albumjudge.statistics.intervals import SEED, Floats

DRAWS = 200
"""Simulated sets of votes per cover."""


def jensen_shannon(first: Floats, second: Floats) -> Floats:
    """Jensen-Shannon divergence along the last axis, in nats: 0 to log 2; shapes broadcast."""
    middle = (first + second) / 2
    halves = rel_entr(first, middle).sum(axis=-1) + rel_entr(second, middle).sum(axis=-1)
    result: Floats = np.maximum(halves / 2, 0)
    return result


def simulated_counts(
    votes: NDArray[np.int64], verdicts: Floats, *, draws: int = DRAWS, seed: int = SEED
) -> NDArray[np.int64]:
    """Votes (draws, C, k), ``votes`` (C,) a cover, of visitors who feel just as verdicts (C, k) say."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(votes, verdicts, size=(draws, len(votes))).astype(np.int64)


def shares(counts: NDArray[np.int64]) -> Floats:
    """Counts as distributions along the last axis; zeros where there are none."""
    result: Floats = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return result

"""Calibration curve and expected calibration error (Guo et al., 2017) for weighted votes on eight emotions.

``sklearn.calibration`` takes binary outcomes and no stack of weights, which the bootstrap needs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from albumjudge.statistics.intervals import Floats, Statistic, ratio

EDGES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1.0)
"""Where bins of stated probability begin and end; narrower where most probabilities lie."""
BINS = len(EDGES) - 1


def bin_of(stated: Floats) -> NDArray[np.intp]:
    """The bin of each probability, 0 to ``BINS - 1``; an edge opens a bin, only the last one closes."""
    return np.clip(np.digitize(stated, EDGES) - 1, 0, BINS - 1)


def error(stated: Floats, hits: Floats, trials: Floats) -> Floats:
    """Expected calibration error from sums over bins (last axis), 0 to 1; NaN without trials."""
    return ratio(np.abs(stated - hits).sum(axis=-1), trials.sum(axis=-1))


def per_vote(felt: NDArray[np.intp], stated: Floats) -> tuple[Floats, Floats, Floats]:
    """Stated probabilities, hits and trials that each vote adds to each bin, three of shape (n, bins).

    Every vote (``felt`` of shape (n,)) counts once for each of the eight stated probabilities (n, 8).
    """
    votes = len(felt)
    place = bin_of(stated)
    rows = np.broadcast_to(np.arange(votes)[:, None], place.shape)
    sums = np.zeros((3, votes, BINS))
    np.add.at(sums[0], (rows, place), stated)
    np.add.at(sums[1], (np.arange(votes), place[np.arange(votes), felt]), 1)
    np.add.at(sums[2], (rows, place), 1)
    return sums[0], sums[1], sums[2]


def curve(felt: NDArray[np.intp], stated: Floats) -> Statistic:
    """A statistic of bins + 1 numbers: how often what was said came true, bin by bin, then the error."""
    sums = per_vote(felt, stated)

    def statistic(weights: Floats) -> Floats:
        said, hits, trials = (weights @ part for part in sums)
        return np.concatenate([ratio(hits, trials), error(said, hits, trials)[:, None]], axis=1)

    return statistic


def error_by_noise(counts: NDArray[np.int64], verdicts: Floats) -> Floats:
    """The error, shape (R,), of simulated votes (R, C, 8) by visitors who feel as the verdicts (C, 8) say."""
    into = np.eye(BINS)[bin_of(verdicts)].reshape(-1, BINS)
    hits = counts.reshape(len(counts), -1).astype(np.float64) @ into
    asked = np.broadcast_to(counts.sum(axis=2, keepdims=True), counts.shape).reshape(len(counts), -1)
    trials = asked.astype(np.float64) @ into
    stated = (asked * verdicts.reshape(-1)) @ into
    return error(stated, hits, trials)

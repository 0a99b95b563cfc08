"""Cohen's kappa and Krippendorff's alpha for weighted votes, as the bootstrap needs them.

Libraries (statsmodels, ``krippendorff``) take one unweighted table at a time; here hundreds of resamples are
worked out at once, and copies of one vote are no pair. With weights of one the results are theirs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain.emotions import NAMES
from albumjudge.statistics.agreement import FELT
from albumjudge.statistics.intervals import Floats, Statistic, ratio
from albumjudge.statistics.vote_arrays import VoteArrays

_EMOTIONS = len(NAMES)


def observed_and_chance(tables: Floats) -> tuple[Floats, Floats]:
    """Observed agreement and agreement by chance of tables (..., k, k); NaN without answers."""
    shares = ratio(tables, tables.sum(axis=(-2, -1), keepdims=True))
    chance: Floats = (shares.sum(axis=-1) * shares.sum(axis=-2)).sum(axis=-1)
    return np.trace(shares, axis1=-2, axis2=-1), chance


def kappa(tables: Floats) -> Floats:
    """Cohen's kappa (1960) of tables of shape (..., k, k); NaN where chance alone agrees perfectly."""
    observed, chance = observed_and_chance(tables)
    return np.where(1 - chance > 1e-12, ratio(observed - chance, 1 - chance), np.nan)


def against_chance(votes: VoteArrays) -> Statistic:
    """Agreement of visitors, "nothing" included, and machine: a statistic of share, chance and difference."""
    pairs = np.zeros((len(votes), len(FELT), len(FELT)))
    pairs[np.arange(len(votes)), votes.felt, votes.said] = 1
    flat = pairs.reshape(len(votes), len(FELT) ** 2)

    def statistic(weights: Floats) -> Floats:
        observed, chance = observed_and_chance((weights @ flat).reshape(-1, len(FELT), len(FELT)))
        return np.stack([observed, chance, observed - chance], axis=1)

    return statistic


def majority_of_others(votes: VoteArrays) -> Floats:
    """For each vote, what most others felt on that cover, shape (n, 8): ties shared out, zero where there
    are none.

    Raises:
        ValueError: if a vote is for none of the eight.
    """
    if len(votes) and votes.felt.max() >= _EMOTIONS:
        raise ValueError(
            "What others felt is asked among the eight emotions; leave out the votes for nothing."
        )
    others = votes.counts[votes.cover, :_EMOTIONS].copy()
    others[np.arange(len(votes)), votes.felt] -= 1
    most = others.max(axis=1, keepdims=True, initial=0)
    first = ((others == most) & (most > 0)).astype(np.float64)
    shared: Floats = first / np.maximum(first.sum(axis=1, keepdims=True), 1)
    return shared


def one_more_visitor(votes: VoteArrays) -> Statistic:
    """Machine and visitor, each against the majority of the other visitors on the cover (leave one out).

    The majority is not formed anew for resampled visitors: with replacement there would be fewer of them, and
    agreement with them worse.

    Args:
        votes: for one of the eight emotions, on covers with at least two of them.

    Returns:
        A statistic of three numbers: kappa of the machine, kappa of one visitor, the first minus the second.
    """
    majority = majority_of_others(votes)
    pairs = np.zeros((2, len(votes), _EMOTIONS, _EMOTIONS))
    for rater, answers in enumerate((votes.said, votes.felt)):
        pairs[rater, np.arange(len(votes)), answers] = majority
    flat = pairs.reshape(2, len(votes), _EMOTIONS**2)

    def statistic(weights: Floats) -> Floats:
        tables = (weights @ flat).reshape(2, len(weights), _EMOTIONS, _EMOTIONS)
        machine, visitor = kappa(tables)
        return np.stack([machine, visitor, machine - visitor], axis=1)

    return statistic


def alpha(units: NDArray[np.intp], values: NDArray[np.intp]) -> Statistic:
    """Krippendorff's alpha for nominal answers, any number of raters, some missing (2011, section C).

    A statistic of one number for answers ``values`` on ``units``, both of shape (n,); NaN if nothing was rated
    twice or all answers are the same.
    """
    order = np.lexsort((values, units))
    units, values = units[order], values[order]
    kinds, value = np.unique(values, return_inverse=True)
    new_unit = np.diff(units, prepend=units[:1] - 1) != 0
    new_group = new_unit | (np.diff(values, prepend=values[:1] - 1) != 0)
    groups, first_groups = np.flatnonzero(new_group), np.flatnonzero(new_unit[new_group])
    starts = np.flatnonzero(new_unit)
    unit_of = np.cumsum(new_unit) - 1
    answers = np.zeros((len(values), len(kinds)))
    answers[np.arange(len(values)), value] = 1

    def statistic(weights: Floats) -> Floats:
        if not len(values):
            return np.full((len(weights), 1), np.nan)
        weights = weights[:, order]
        same = np.add.reduceat(np.add.reduceat(weights, groups, axis=1) ** 2, first_groups, axis=1)
        size = np.add.reduceat(weights, starts, axis=1)
        pairs = size**2 - np.add.reduceat(weights**2, starts, axis=1)
        paired = pairs > 1e-9
        counted = weights * paired[:, unit_of]
        total = counted.sum(axis=1)
        apart = np.where(paired, size * (size**2 - same) / np.where(paired, pairs, 1), 0).sum(axis=1)
        differing = total**2 - ((counted @ answers) ** 2).sum(axis=1)
        expected = ratio(differing, total**2 - (counted**2).sum(axis=1))
        found = 1 - ratio(ratio(apart, total), expected)
        return np.where(expected > 1e-12, found, np.nan)[:, None]

    return statistic

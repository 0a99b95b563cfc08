"""Do raters agree more than chance would have it? Cohen's kappa and Krippendorff's alpha, for weighted votes.

Every function takes weights of votes, so that the bootstrap (``albumjudge.statistics.intervals``) can repeat it
some hundred times in one go; with weights of one they are the textbook's formulas.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain.emotions import NAMES
from albumjudge.statistics.agreement import FELT
from albumjudge.statistics.intervals import Floats, Statistic
from albumjudge.statistics.vote_arrays import VoteArrays

_EMOTIONS = len(NAMES)


def observed_and_chance(tables: Floats) -> tuple[Floats, Floats]:
    """How often two raters agree, and would agree if both kept their habits without looking.

    Args:
        tables: how often the two gave which pair of answers, shape (..., k, k).

    Returns:
        Two shares of shape (...), NaN without answers.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = tables / tables.sum(axis=(-2, -1), keepdims=True)
    chance: Floats = (shares.sum(axis=-1) * shares.sum(axis=-2)).sum(axis=-1)
    return np.trace(shares, axis1=-2, axis2=-1), chance


def kappa(tables: Floats) -> Floats:
    """Cohen's kappa (1960, "A coefficient of agreement for nominal scales").

    Args:
        tables: how often the two raters gave which pair of answers, shape (..., k, k).

    Returns:
        Shape (...): 1 for perfect agreement, 0 for what chance gives, NaN where chance already makes it
        perfect or where there are no answers.
    """
    observed, chance = observed_and_chance(tables)
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = np.where(1 - chance > 1e-12, (observed - chance) / (1 - chance), np.nan)
    return result


def against_chance(ballots: VoteArrays) -> Statistic:
    """How often visitors felt what the machine says, nothing included, beside chance.

    Returns:
        A statistic of three numbers: that share, what habit alone would give, the first minus the second.
    """
    pairs = np.zeros((len(ballots), len(FELT), len(FELT)))
    pairs[np.arange(len(ballots)), ballots.felt, ballots.said] = 1
    flat = pairs.reshape(len(ballots), len(FELT) ** 2)

    def statistic(weights: Floats) -> Floats:
        observed, chance = observed_and_chance((weights @ flat).reshape(-1, len(FELT), len(FELT)))
        return np.stack([observed, chance, observed - chance], axis=1)

    return statistic


def feeling_of_others(ballots: VoteArrays) -> Floats:
    """For each vote, what most of the others felt on that cover: shape (n, 8), rows add up to one.

    A tie is shared out evenly. A row is zero where nobody else voted. Votes for "nothing" are not allowed.

    Raises:
        ValueError: if a vote is for none of the eight.
    """
    if len(ballots) and ballots.felt.max() >= _EMOTIONS:
        raise ValueError(
            "What others felt is asked among the eight emotions; leave out the votes for nothing."
        )
    others = ballots.counts[ballots.cover, :_EMOTIONS].copy()
    others[np.arange(len(ballots)), ballots.felt] -= 1
    most = others.max(axis=1, keepdims=True, initial=0)
    first = ((others == most) & (most > 0)).astype(np.float64)
    shared: Floats = first / np.maximum(first.sum(axis=1, keepdims=True), 1)
    return shared


def one_more_visitor(ballots: VoteArrays) -> Statistic:
    """Is the machine as good as one more visitor? Both are held against the same crowd: the other visitors.

    For each vote, the crowd is everybody else who voted on that cover, so neither the visitor nor the
    machine is compared with itself.

    The crowd's feeling belongs to the cover and is not formed anew when visitors are resampled: drawn with
    replacement, crowds would be smaller than they are, and agreement with them worse.

    Args:
        ballots: votes for one of the eight emotions, on covers with at least two of them.

    Returns:
        A statistic of three numbers: kappa of machine and crowd, kappa of one visitor and the rest of the
        crowd, and the first minus the second.
    """
    crowd = feeling_of_others(ballots)
    pairs = np.zeros((2, len(ballots), _EMOTIONS, _EMOTIONS))
    for rater, answers in enumerate((ballots.said, ballots.felt)):
        pairs[rater, np.arange(len(ballots)), answers] = crowd
    flat = pairs.reshape(2, len(ballots), _EMOTIONS**2)

    def statistic(weights: Floats) -> Floats:
        tables = (weights @ flat).reshape(2, len(weights), _EMOTIONS, _EMOTIONS)
        machine, visitor = kappa(tables)
        return np.stack([machine, visitor, machine - visitor], axis=1)

    return statistic


def alpha(units: NDArray[np.intp], values: NDArray[np.intp]) -> Statistic:
    """Krippendorff's alpha for nominal answers, any number of raters, some missing (2011, section C).

    With weights, two copies of one vote are not a pair: they would agree with themselves.

    Args:
        units: what was rated, shape (n,).
        values: the answers, shape (n,).

    Returns:
        A statistic of one number: 1 if raters agree perfectly, 0 if answers might have been dealt out at
        random, less if they disagree systematically; NaN if nothing was rated twice or all answers are the
        same.
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
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = np.where(paired, size * (size**2 - same) / np.where(paired, pairs, 1), 0).sum(axis=1)
            observed = apart / total
            expected = (total**2 - ((counted @ answers) ** 2).sum(axis=1)) / (
                total**2 - (counted**2).sum(axis=1)
            )
            result = np.where(expected > 1e-12, 1 - observed / expected, np.nan)
        return result[:, None]

    return statistic

"""Standard errors and intervals of any statistic of votes, and how far few votes lie from a verdict by chance.

The bootstrap with two-way clusters: votes on one cover, or of one visitor, are not independent. Whole covers,
whole visitors and single votes are drawn with replacement, and the variances are combined as covers + visitors
- votes (Cameron, Gelbach and Miller 2011, "Robust inference with multiway clustering"). For few clusters each
variance is multiplied by G / (G - 1), and intervals are Student's with G - 1 degrees of freedom, G the smaller
number of clusters (Cameron and Miller 2015, "A practitioner's guide to cluster-robust inference", section VI).
``scipy.stats.bootstrap`` draws single observations and statsmodels clusters regressions only, so neither fits
kappa and alpha.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""From weights of n votes, shape (b, n), to k numbers for each of the b, shape (b, k); NaN if undefined."""

REPEATS = 400
"""The error of a standard error from so many draws is about 3.5 %, from a quarter of them 7 %."""
SIMULATIONS = 200
"""Simulated sets of votes per cover."""
SEED = 20101025
"""The same votes always give the same errors."""
_AT_ONCE = 1_000_000
"""Weights in memory at a time."""
_FEWEST_DEFINED = 0.9


@dataclass(frozen=True)
class Estimate:
    """A number (None where undefined) and its standard error (None where it cannot be told)."""

    value: float | None
    error: float | None
    freedom: float = math.inf

    def interval(
        self, lowest: float = -1.0, highest: float = 1.0, level: float = 0.95
    ) -> tuple[float, float] | None:
        """Student's interval around the value, cut off at what is possible; None without an error."""
        if self.value is None or self.error is None:
            return None
        from scipy.stats import t

        reach = float(t.ppf((1 + level) / 2, self.freedom)) * self.error
        return max(lowest, self.value - reach), min(highest, self.value + reach)


def ratio(top: Floats, bottom: Floats) -> Floats:
    """Quotients; NaN or infinite, without a warning, where they are undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients: Floats = top / bottom
    return quotients


def cluster_weights(clusters: NDArray[np.intp], repeats: int, chance: np.random.Generator) -> Floats:
    """How often each of n votes is drawn when clusters are, with replacement: shape (repeats, n)."""
    _, place = np.unique(clusters, return_inverse=True)
    size = int(place.max(initial=-1)) + 1
    if not size:
        return np.zeros((repeats, 0))
    drawn = chance.integers(size, size=(repeats, size)) + size * np.arange(repeats)[:, None]
    times = np.bincount(drawn.ravel(), minlength=repeats * size).reshape(repeats, size)
    return times[:, place].astype(np.float64)


def cluster_variance(
    statistic: Statistic, clusters: NDArray[np.intp], repeats: int, chance: np.random.Generator
) -> Floats:
    """Variance of each number when clusters are resampled, shape (k,).

    NaN with fewer than two clusters, or where more than a tenth of the draws leave a number undefined.
    """
    step = max(1, _AT_ONCE // max(1, len(clusters)))
    parts = [
        statistic(cluster_weights(clusters, min(step, repeats - done), chance))
        for done in range(0, repeats, step)
    ]
    numbers = np.concatenate(parts)
    defined = np.isfinite(numbers)
    enough = defined.mean(axis=0) >= _FEWEST_DEFINED
    groups = len(np.unique(clusters))
    if groups < 2:
        enough[:] = False
    variance = np.full(numbers.shape[1], np.nan)
    for column in np.flatnonzero(enough):
        variance[column] = numbers[defined[:, column], column].var(ddof=1) * groups / (groups - 1)
    return variance


def estimates(
    statistic: Statistic,
    *clusters: NDArray[np.intp],
    repeats: int | None = None,
) -> tuple[Estimate, ...]:
    """A statistic of n votes with clustered standard errors.

    Args:
        statistic: gives k numbers.
        *clusters: one or two ways in which the votes are clustered, each of shape (n,).
        repeats: draws per way; None draws ``REPEATS`` times, and less often if there are many votes.

    Raises:
        ValueError: if there are not one or two ways.
    """
    if len(clusters) not in (1, 2):
        raise ValueError(f"Votes are clustered in one or two ways, not {len(clusters)}.")
    votes = len(clusters[0])
    values = statistic(np.ones((1, votes)))[0]
    if not votes:
        return tuple(Estimate(None, None) for _ in values)
    if repeats is None:
        repeats = min(REPEATS, max(REPEATS // 4, _AT_ONCE // votes))
    chance = np.random.default_rng(SEED)
    variances = np.stack([cluster_variance(statistic, way, repeats, chance) for way in clusters])
    variance = variances[0]
    if len(variances) == 2:
        single = cluster_variance(statistic, np.arange(votes), repeats, chance)
        # Where covers or visitors matter little, chance alone can make the sum smaller than one of them.
        variance = np.maximum(variances.sum(axis=0) - single, variances.max(axis=0))
    freedom = max(1, min(len(np.unique(way)) for way in clusters) - 1)
    return tuple(
        Estimate(float(value), float(np.sqrt(square)), freedom)
        if np.isfinite(value) and np.isfinite(square)
        else Estimate(float(value) if np.isfinite(value) else None, None)
        for value, square in zip(values, variance, strict=True)
    )


def jensen_shannon(first: Floats, second: Floats) -> Floats:
    """Jensen-Shannon divergence along the last axis, in nats: 0 to log 2; shapes broadcast."""
    middle = (first + second) / 2
    from scipy.special import rel_entr

    halves = rel_entr(first, middle).sum(axis=-1) + rel_entr(second, middle).sum(axis=-1)
    result: Floats = np.maximum(halves / 2, 0)
    return result


def simulated_counts(
    votes: NDArray[np.int64], verdicts: Floats, *, draws: int = SIMULATIONS
) -> NDArray[np.int64]:
    """Votes (draws, C, k), ``votes`` (C,) a cover, of visitors who feel just as verdicts (C, k) say."""
    generator = np.random.default_rng(SEED)
    return generator.multinomial(votes, verdicts, size=(draws, len(votes))).astype(np.int64)


def shares(counts: NDArray[np.int64]) -> Floats:
    """Counts as distributions along the last axis; zeros where there are none."""
    result: Floats = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return result

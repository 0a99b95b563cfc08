"""Bradley-Terry ranking of painters from pairs of covers, with intervals that allow for clusters of visitors.

P(i is chosen over j) = 1 / (1 + exp(s_j - s_i)) (Bradley and Terry 1952); a tie counts half for each. Half a
win is added to both sides of every pair, so that a painter who always wins keeps a finite strength: for two
painters with w and l wins the difference is log((w + 1/2) / (l + 1/2)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from albumjudge.statistics.agreement import Interval, Share
from albumjudge.statistics.findings import Figure, Need, figure
from albumjudge.statistics.intervals import Floats, Statistic, estimates

FEWEST_CHOICES = 30
FEWEST_VISITORS = 5
PRIOR = 0.5
"""Wins added to both sides of every pair."""
_UNBOUNDED = 20.0
"""Log-odds beyond which nothing is distinguished any more."""


@dataclass(frozen=True)
class Comparison:
    """A visitor's choice between covers of two painters; ``first`` hung left."""

    first: str
    second: str
    chosen: Literal["first", "second", "tie"]
    visitor: str


@dataclass(frozen=True)
class RankedPainter:
    """A painter's place.

    ``strength`` is in log-odds, 0 for the mean of all; ``preferred`` the same as probability of being chosen
    over an average painter; ``lead`` the strength less that of the next one; ``choices`` those in which it
    took part.
    """

    painter: str
    strength: Figure
    preferred: Figure
    lead: Figure | None
    choices: int


@dataclass(frozen=True)
class PainterRanking:
    """Painters, the strongest first, and ties of all choices."""

    painters: tuple[RankedPainter, ...]
    ties: Share


def rank(comparisons: Sequence[Comparison]) -> PainterRanking:
    """Rank painters; fewer than two give none.

    Raises:
        ValueError: if a painter is compared with itself.
    """
    if any(one.first == one.second for one in comparisons):
        raise ValueError("A painter cannot be compared with itself.")
    ties = Share(sum(one.chosen == "tie" for one in comparisons), len(comparisons))
    names = sorted({name for one in comparisons for name in (one.first, one.second)})
    wins = _wins(comparisons, names)
    fitted = strengths(wins.sum(axis=0)) if names else np.zeros(0)
    order = np.argsort(-fitted, kind="stable")
    _, visitor = np.unique([one.visitor for one in comparisons], return_inverse=True)
    found = estimates(_strengths_and_leads(wins, order), visitor.astype(np.intp)) if names else ()
    needs = (
        Need("choices", FEWEST_CHOICES, len(comparisons)),
        Need("visitors", FEWEST_VISITORS, len(np.unique(visitor))),
    )
    painters = []
    for place, index in enumerate(order):
        played = int(wins[:, index].sum() + wins[:, :, index].sum())
        ahead = place < len(order) - 1
        own = figure(found[place], played, needs, -_UNBOUNDED, _UNBOUNDED)
        lead = figure(found[len(order) + place], played, needs, -_UNBOUNDED, _UNBOUNDED) if ahead else None
        painters.append(RankedPainter(names[index], own, _as_probability(own), lead, played))
    return PainterRanking(tuple(painters), ties)


def strengths(wins: Floats) -> Floats:
    """Maximum likelihood strengths, mean 0, with ``PRIOR`` added.

    Args:
        wins: how often the row was chosen over the column, shape (k, k); halves for ties.

    Returns:
        Log-odds, shape (k,).
    """
    from choix import ilsr_pairwise_dense

    fitted: Floats = ilsr_pairwise_dense(wins + PRIOR * (1 - np.eye(len(wins))))
    centred: Floats = fitted - fitted.mean()
    return centred


def _wins(comparisons: Sequence[Comparison], names: Sequence[str]) -> Floats:
    """What each comparison adds to the matrix of wins, shape (n, k, k)."""
    wins = np.zeros((len(comparisons), len(names), len(names)))
    for row, one in zip(wins, comparisons, strict=True):
        i, j = names.index(one.first), names.index(one.second)
        row[i, j] = {"first": 1.0, "tie": 0.5, "second": 0.0}[one.chosen]
        row[j, i] = 1 - row[i, j]
    return wins


def _strengths_and_leads(wins: Floats, order: NDArray[np.intp]) -> Statistic:
    """A statistic of 2 k - 1 numbers: strengths in ``order``, then each less the next one."""

    def statistic(weights: Floats) -> Floats:
        matrices = np.tensordot(weights, wins, axes=1)
        fitted = np.stack([strengths(matrix)[order] for matrix in matrices])
        return np.concatenate([fitted, -np.diff(fitted, axis=1)], axis=1)

    return statistic


def _as_probability(strength: Figure) -> Figure:
    if strength.value is None:
        return strength
    value, interval = _expit(strength.value), strength.interval
    ends = None if interval is None else Interval(_expit(interval.low), _expit(interval.high))
    return Figure(value, ends, strength.n, strength.needs)


def _expit(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))

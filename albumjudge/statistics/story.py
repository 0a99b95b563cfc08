"""People and machine as a story: covers by how pleasant both find them, and three findings with their doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import EMOTIONS, NAMES
from albumjudge.statistics.agreement import FELT, CoverAgreement, Interval, Share, wider
from albumjudge.statistics.findings import (
    FEWEST_COVERS,
    FEWEST_VISITORS,
    FEWEST_VOTES,
    Figure,
    Findings,
    Need,
    figure,
    weighted_mean,
)
from albumjudge.statistics.intervals import Floats, Statistic, estimates, ratio
from albumjudge.statistics.vote_arrays import VoteArrays

_POSITIVE = np.array([emotion.positive for emotion in EMOTIONS])


@dataclass(frozen=True)
class CoverPoint:
    """A cover's place in the picture: pleasant votes of the named ones, the verdict's pleasant share."""

    cover: CoverIdentity
    people: Share
    machine: float
    felt: str
    said: str


@dataclass(frozen=True)
class Temperament:
    """The emotion whose frequency differs most between people and machine: share of votes less of verdicts."""

    emotion: str
    difference: Figure


class Story(Findings):
    """The findings, and what the page tells first; ``points`` are covers with a vote for one of the eight."""

    @cached_property
    def points(self) -> tuple[CoverPoint, ...]:
        """Covers in the picture."""
        return tuple(point for row in self.covers if (point := _point(row)) is not None)

    @cached_property
    def pleasantness(self) -> Figure:
        """Whether both find the same covers pleasant."""
        return pleasantness(self.points)

    @cached_property
    def temperament(self) -> Temperament | None:
        """What they differ most about."""
        return temperament(self.arrays)


def _point(row: CoverAgreement) -> CoverPoint | None:
    named = np.array(row.felt[: len(NAMES)])
    if not named.any():
        return None
    machine = float(np.array(row.verdict.probabilities)[_POSITIVE].sum())
    people = Share(int(named[_POSITIVE].sum()), int(named.sum()))
    return CoverPoint(row.cover, people, machine, NAMES[int(named.argmax())], row.verdict.top)


def pleasantness(points: Sequence[CoverPoint]) -> Figure:
    """Spearman's correlation of people's and the machine's pleasant shares.

    At each end the wider of two intervals, resampled over covers and that of Bonett and Wright (2000,
    "Sample size requirements for estimating Pearson, Kendall and Spearman correlations"): of few covers,
    resampling alone is too sure.
    """
    shares = np.array([[p.people.successes / p.people.trials, p.machine] for p in points]).reshape(-1, 2)
    (found,) = estimates(_rank_correlation(shares), np.arange(len(points)))
    resampled = figure(found, len(points), (Need("covers", FEWEST_COVERS, len(points)),))
    rho = resampled.value
    if rho is None or resampled.interval is None or len(points) < 4 or abs(rho) >= 1:
        return resampled
    half = 1.96 * np.sqrt((1 + rho**2 / 2) / (len(points) - 3))
    low, high = np.tanh(np.arctanh(rho) + np.array([-half, half]))
    return replace(resampled, interval=wider(resampled.interval, Interval(float(low), float(high))))


def _rank_correlation(pairs: Floats) -> Statistic:
    """Correlation of ranks; a resample keeps the ranks that covers have among all."""
    from scipy.stats import rankdata

    ranks = rankdata(pairs, axis=0) if len(pairs) else pairs

    def statistic(weights: Floats) -> Floats:
        share = ratio(weights, weights.sum(axis=1, keepdims=True))
        x, y = (ranks[None, :, side] - (share @ ranks[:, side])[:, None] for side in (0, 1))
        scale = np.sqrt((share * x * x).sum(axis=1) * (share * y * y).sum(axis=1))
        return np.where(scale > 1e-12, ratio((share * x * y).sum(axis=1), scale), np.nan)[:, None]

    return statistic


def temperament(votes: VoteArrays) -> Temperament | None:
    """The largest difference; its interval is widened for having been chosen among eight (Bonferroni)."""
    if not len(votes):
        return None
    felt, said = np.eye(len(FELT))[votes.felt][:, : len(NAMES)], np.eye(len(NAMES))[votes.said]
    apart = felt - said
    found = estimates(lambda weights: weighted_mean(apart, weights), votes.cover, votes.visitor)
    place = max(range(len(NAMES)), key=lambda i: abs(found[i].value or 0.0))
    needs = (
        Need("votes", FEWEST_VOTES, len(votes)),
        Need("visitors", FEWEST_VISITORS, len(np.unique(votes.visitor))),
    )
    return Temperament(NAMES[place], figure(found[place], len(votes), needs, level=1 - 0.05 / len(NAMES)))

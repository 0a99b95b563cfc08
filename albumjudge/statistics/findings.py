"""What the votes say about people and machine: numbers with intervals and with the votes they still need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import NAMES
from albumjudge.statistics import calibration, reliability, vote_arrays
from albumjudge.statistics.agreement import CoverAgreement, Interval, Share, newcombe, per_cover, wider
from albumjudge.statistics.intervals import (
    Estimate,
    Floats,
    estimates,
    jensen_shannon,
    ratio,
    shares,
    simulated_counts,
)
from albumjudge.statistics.vote_arrays import VoteArrays
from albumjudge.voting.votes import StoredVote

FEWEST_VOTES = 30
FEWEST_VISITORS = 5
FEWEST_COVERS = 10
FEWEST_ANSWERS = 20
"""In each arm."""
FEWEST_COMPARED = 50
"""Votes on covers with others to compare with."""
FEWEST_CALIBRATING = 100
FEWEST_FOR_MAJORITY = 3
"""Votes that a cover needs before anyone is held against its majority: two others at least."""
FEWEST_FOR_SHARES = 5
"""Votes that a cover needs before its shares are held against the verdict's."""


@dataclass(frozen=True)
class Need:
    """So many of something are needed before a number means much."""

    what: str
    needed: int
    has: int

    @property
    def met(self) -> bool:
        """Whether there are enough."""
        return self.has >= self.needed


@dataclass(frozen=True)
class Figure:
    """A number that can be shown.

    ``value`` is None where undefined, ``interval`` (95 %) where it cannot be told; ``n`` counts what it rests on.
    """

    value: float | None
    interval: Interval | None
    n: int
    needs: tuple[Need, ...] = ()

    @property
    def unmet(self) -> tuple[Need, ...]:
        """The needs that are not met."""
        return tuple(need for need in self.needs if not need.met)

    @property
    def solid(self) -> bool:
        """Whether all needs are met and there is an interval."""
        return not self.unmet and self.value is not None and self.interval is not None

    def beside(self, level: float) -> int | None:
        """1 if the interval lies above ``level``, -1 if below, 0 if it holds it; None if it is not solid."""
        if not self.solid or self.interval is None:
            return None
        return (self.interval.low > level) - (self.interval.high < level)


@dataclass(frozen=True)
class AgainstChance:
    """Blind agreement: the share, what chance would give, and the difference."""

    share: Figure
    chance: Figure
    excess: Figure


@dataclass(frozen=True)
class AgainstPlacebo:
    """Answers of "I agree": to the machine's own label, to one drawn at random, and the difference."""

    judge: Figure
    placebo: Figure
    difference: Figure


@dataclass(frozen=True)
class OneMoreVisitor:
    """Cohen's kappa with the majority of others: the machine's, one visitor's, and the difference."""

    machine: Figure
    visitor: Figure
    difference: Figure


@dataclass(frozen=True)
class CoverNoise:
    """Jensen-Shannon divergence (nats, 0 to 0.69) of visitors' shares and verdict on one cover.

    ``said`` is the verdict's top emotion, ``votes`` those for one of the eight; ``by_chance`` and
    ``by_chance_high`` are mean and 95 % quantile if so many visitors felt as the machine says.
    """

    cover: CoverIdentity
    said: str
    votes: int
    distance: float
    by_chance: float
    by_chance_high: float

    @property
    def beyond(self) -> bool:
        """Whether chance seldom goes so far."""
        return self.distance > self.by_chance_high


@dataclass(frozen=True)
class Noise:
    """Means over all covers with enough votes; ``beyond`` counts covers whose distance is beyond chance."""

    distance: Figure
    by_chance: float | None
    excess: Figure
    beyond: Share
    covers: tuple[CoverNoise, ...]


@dataclass(frozen=True)
class CalibrationBin:
    """Statements of about the same probability: their mean, how often they came true, how many."""

    stated: float
    felt: Figure
    n: int


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error, its mean if people felt as the machine says, and the bins."""

    error: Figure
    by_chance: float | None
    bins: tuple[CalibrationBin, ...]


class Findings:
    """All numbers about people and machine, each worked out when it is first asked for.

    No votes give numbers without values.
    """

    def __init__(self, votes: Sequence[StoredVote]) -> None:
        self.votes = votes
        self.arrays = vote_arrays.from_votes(votes)

    @property
    def faint(self) -> bool:
        """Whether there are too few votes to read much from them."""
        return len(self.votes) < FEWEST_VOTES

    @property
    def same(self) -> Share:
        """Votes, cast blind and so in both arms, that felt what their verdict put first."""
        return same(self.arrays)

    @cached_property
    def agreement(self) -> AgainstChance:
        """People and machine, vote by vote."""
        return against_chance(self.arrays)

    @cached_property
    def against_placebo(self) -> AgainstPlacebo:
        """Answers to labels."""
        return against_placebo(self.votes)

    @cached_property
    def one_more(self) -> OneMoreVisitor:
        """The machine as one of the visitors."""
        return one_more_visitor(self.arrays.named().on_covers_with(FEWEST_FOR_MAJORITY))

    @cached_property
    def among_visitors(self) -> Figure:
        """Visitors among themselves."""
        return among_visitors(self.arrays.on_covers_with(2))

    @cached_property
    def noise(self) -> Noise:
        """Crowd and verdict, cover by cover."""
        return noise(self.arrays.named().on_covers_with(FEWEST_FOR_SHARES))

    @cached_property
    def calibration(self) -> Calibration:
        """The verdicts' percentages."""
        return calibrate(self.arrays.named())

    @cached_property
    def covers(self) -> tuple[CoverAgreement, ...]:
        """Every cover with a vote."""
        return per_cover(self.votes)


def figure(
    estimate: Estimate,
    n: int,
    needs: tuple[Need, ...],
    lowest: float = -1.0,
    highest: float = 1.0,
    level: float = 0.95,
) -> Figure:
    """A bootstrap estimate as a figure, its interval cut off at what is possible."""
    ends = estimate.interval(lowest, highest, level)
    return Figure(estimate.value, None if ends is None else Interval(*ends), n, needs)


def share_figure(share: Share, estimate: Estimate, needs: tuple[Need, ...] = ()) -> Figure:
    """A share with, at each end, the wider of Wilson's interval and that of the cluster bootstrap.

    Resampling finds no variance at 0 and 1; Wilson's interval does not allow for clusters.
    """
    if share.value is None:
        return Figure(None, None, 0, needs)
    ends = estimate.interval(lowest=0)
    interval = share.interval if ends is None else wider(share.interval, Interval(*ends))
    return Figure(share.value, interval, share.trials, needs)


def weighted_mean(values: Floats, weights: Floats) -> Floats:
    """Means of k columns, ``values`` (n, k) or (n,), for b sets of weights (b, n): shape (b, k)."""
    columns = values[:, None] if values.ndim == 1 else values
    return ratio(weights @ columns, weights.sum(axis=1, keepdims=True))


def _needs(votes: VoteArrays, fewest: int, what: str = "votes") -> tuple[Need, ...]:
    return (
        Need(what, fewest, len(votes)),
        Need("visitors", FEWEST_VISITORS, len(np.unique(votes.visitor))),
        Need("covers", FEWEST_COVERS, len(np.unique(votes.cover))),
    )


def same(votes: VoteArrays) -> Share:
    """Votes that felt what their verdict put first; "nothing" is no agreement."""
    return Share(int(np.sum(votes.felt == votes.said)), len(votes))


def against_chance(votes: VoteArrays) -> AgainstChance:
    """What was felt before the verdict was shown, so both arms count; "nothing" is no agreement."""
    share, chance, excess = estimates(reliability.against_chance(votes), votes.cover, votes.visitor)
    needs, n = _needs(votes, FEWEST_VOTES), len(votes)
    return AgainstChance(
        share_figure(same(votes), share, needs), figure(chance, n, needs, lowest=0), figure(excess, n, needs)
    )


def against_placebo(votes: Sequence[StoredVote]) -> AgainstPlacebo:
    """Agreement with the judge's label less that with a random one; arms were drawn by lot, so they compare."""
    answered = [vote for vote in votes if vote.agrees is not None]
    arrays = vote_arrays.from_votes(answered)
    agrees = np.array([bool(vote.agrees) for vote in answered], np.float64)
    arms = np.stack([np.array([v.arm == arm for v in answered], np.float64) for arm in ("judge", "placebo")])

    def statistic(weights: Floats) -> Floats:
        judge, placebo = (ratio(weights @ (arm * agrees), weights @ arm) for arm in arms)
        return np.stack([judge, placebo, judge - placebo], axis=1)

    *each, difference = estimates(statistic, arrays.cover, arrays.visitor)
    said = [Share(int(arm @ agrees), int(arm.sum())) for arm in arms]
    needs = (
        Need("answers to the machine’s label", FEWEST_ANSWERS, said[0].trials),
        Need("answers to a random label", FEWEST_ANSWERS, said[1].trials),
    )
    judge, placebo = (
        share_figure(share, estimate, (need,))
        for share, estimate, need in zip(said, each, needs, strict=True)
    )
    apart = figure(difference, len(answered), needs)
    if apart.interval is not None:
        apart = replace(apart, interval=wider(apart.interval, newcombe(*said)))
    return AgainstPlacebo(judge, placebo, apart)


def one_more_visitor(votes: VoteArrays) -> OneMoreVisitor:
    """Machine and visitor against the others; wants votes for one of the eight on covers with a majority."""
    machine, visitor, apart = estimates(reliability.one_more_visitor(votes), votes.cover, votes.visitor)
    needs, n = (
        _needs(votes, FEWEST_COMPARED, f"votes on covers with {FEWEST_FOR_MAJORITY} or more"),
        len(votes),
    )
    return OneMoreVisitor(
        figure(machine, n, needs), figure(visitor, n, needs), figure(apart, n, needs, lowest=-2, highest=2)
    )


def among_visitors(votes: VoteArrays) -> Figure:
    """Krippendorff's alpha among visitors, "nothing" being an answer like others."""
    (number,) = estimates(reliability.alpha(votes.cover, votes.felt), votes.cover, votes.visitor)
    return figure(number, len(votes), _needs(votes, FEWEST_COMPARED, "votes on covers with 2 or more"))


def noise(votes: VoteArrays) -> Noise:
    """Visitors' shares and verdict cover by cover; wants votes for one of the eight on covers with some.

    Intervals are over covers only: a distance belongs to a cover, not to a vote.
    """
    chosen = np.unique(votes.cover)
    counts, verdicts = votes.counts[chosen, : len(NAMES)], votes.verdicts[chosen]
    totals = counts.sum(axis=1)
    distances = jensen_shannon(shares(counts), verdicts)
    by_chance = jensen_shannon(shares(simulated_counts(totals, verdicts)), verdicts)
    means, highs = by_chance.mean(axis=0), np.quantile(by_chance, 0.95, axis=0)
    both = np.stack([distances, distances - means], axis=1)
    mean, excess = estimates(lambda weights: weighted_mean(both, weights), np.arange(len(chosen)))
    needs = (Need(f"covers with {FEWEST_FOR_SHARES} or more votes", FEWEST_COVERS, len(chosen)),)
    rows = tuple(
        CoverNoise(
            votes.covers[cover],
            NAMES[int(verdicts[i].argmax())],
            int(totals[i]),
            float(distances[i]),
            float(means[i]),
            float(highs[i]),
        )
        for i, cover in enumerate(chosen)
    )
    return Noise(
        figure(mean, len(chosen), needs, lowest=0),
        float(means.mean()) if len(chosen) else None,
        figure(excess, len(chosen), needs),
        Share(sum(row.beyond for row in rows), len(rows)),
        rows,
    )


def calibrate(votes: VoteArrays) -> Calibration:
    """Stated probabilities against what was felt; wants votes for one of the eight."""
    stated = votes.verdicts[votes.cover]
    *felt, gap = estimates(calibration.curve(votes.felt, stated), votes.cover, votes.visitor)
    sums, hits, trials = (part.sum(axis=0) for part in calibration.per_vote(votes.felt, stated))
    bins = tuple(
        CalibrationBin(
            float(sums[i] / trials[i]),
            share_figure(Share(int(hits[i]), int(trials[i])), felt[i]),
            int(trials[i]),
        )
        for i in np.flatnonzero(trials)
    )
    by_chance = None
    if len(votes):
        simulated = simulated_counts(votes.counts.sum(axis=1), votes.verdicts)
        by_chance = float(calibration.error_by_noise(simulated, votes.verdicts).mean())
    return Calibration(figure(gap, len(votes), _needs(votes, FEWEST_CALIBRATING), lowest=0), by_chance, bins)

"""What the votes say about people and machine, each number with its interval and the votes it still needs.

Everything here is a pure function of the votes and small enough to be kept in a cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import NAMES
from albumjudge.statistics import calibration, reliability
from albumjudge.statistics import sampling_noise as crowd_noise
from albumjudge.statistics import vote_arrays as arrays
from albumjudge.statistics.agreement import Interval, Share, newcombe, wider
from albumjudge.statistics.intervals import Estimate, Floats, estimates
from albumjudge.statistics.vote_arrays import VoteArrays
from albumjudge.voting.votes import StoredVote

FEWEST_VOTES = 30
FEWEST_VISITORS = 5
FEWEST_COVERS = 10
FEWEST_ANSWERS = 20
"""In each arm."""
FEWEST_COMPARED = 50
"""Votes on covers where there is a crowd to compare with."""
FEWEST_CALIBRATING = 100
A_CROWD = 3
"""Votes that a cover needs before anyone is held against its crowd: two others at least."""
SHARES = 5
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

    Attributes:
        value: None where it is not defined.
        interval: at 95 %; None where it cannot be told.
        n: votes, answers or covers that it rests on.
        needs: what must be there before it means much.
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
        """Whether the number can be read as a result: all needs are met and it has an interval."""
        return not self.unmet and self.value is not None and self.interval is not None

    def beside(self, level: float) -> int | None:
        """1 if the interval lies above ``level``, -1 if below, 0 if it holds it; None if it is not solid."""
        if not self.solid or self.interval is None:
            return None
        return (self.interval.low > level) - (self.interval.high < level)


@dataclass(frozen=True)
class AgainstChance:
    """Agreement before the verdict was shown: the share, what habit alone would give, and the excess."""

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
    """Cohen's kappa with the crowd: the machine's, one visitor's, and the first minus the second."""

    machine: Figure
    visitor: Figure
    difference: Figure


@dataclass(frozen=True)
class CoverNoise:
    """How far crowd and verdict are apart on one cover.

    Attributes:
        cover: its identity.
        said: the verdict's top emotion.
        votes: for one of the eight emotions.
        distance: Jensen-Shannon divergence in nats, 0 to 0.69.
        by_chance: what crowds of that size would show on average if they felt as the machine says.
        by_chance_high: 95 % of such crowds show less.
    """

    cover: CoverIdentity
    said: str
    votes: int
    distance: float
    by_chance: float
    by_chance_high: float

    @property
    def beyond(self) -> bool:
        """Whether chance seldom takes a crowd so far."""
        return self.distance > self.by_chance_high


@dataclass(frozen=True)
class Noise:
    """Crowd and verdict over all covers with enough votes.

    Attributes:
        distance: mean distance.
        by_chance: mean of what chance alone would give; None without covers.
        excess: mean of the differences.
        beyond: covers whose distance is beyond chance.
        covers: one by one.
    """

    distance: Figure
    by_chance: float | None
    excess: Figure
    beyond: Share
    covers: tuple[CoverNoise, ...]


@dataclass(frozen=True)
class CalibrationBin:
    """Everything of which the machine said about the same.

    Attributes:
        stated: mean probability that it stated.
        felt: how often it was felt.
        n: how often it was stated, once per vote and emotion.
    """

    stated: float
    felt: Figure
    n: int


@dataclass(frozen=True)
class Calibration:
    """Whether the machine's percentages can be taken at their word.

    Attributes:
        error: mean gap between stated and felt shares, 0 to 1.
        by_chance: the gap that as many votes would show if people felt as the machine says; None without
            votes.
        bins: those in which something was stated.
    """

    error: Figure
    by_chance: float | None
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True)
class Findings:
    """All numbers about people and machine."""

    agreement: AgainstChance
    politeness: AgainstPlacebo
    one_more: OneMoreVisitor
    among_visitors: Figure
    noise: Noise
    calibration: Calibration


def find(votes: Sequence[StoredVote]) -> Findings:
    """Work everything out; no votes give numbers without values."""
    ballots = arrays.from_votes(votes)
    named = ballots.named()
    return Findings(
        against_chance(ballots),
        against_placebo(votes),
        one_more_visitor(named.on_covers_with(A_CROWD)),
        among_visitors(ballots.on_covers_with(2)),
        noise(named.on_covers_with(SHARES)),
        calibrate(named),
    )


def _figure(
    estimate: Estimate, n: int, needs: tuple[Need, ...], lowest: float = -1.0, highest: float = 1.0
) -> Figure:
    ends = estimate.interval(lowest, highest)
    return Figure(estimate.value, None if ends is None else Interval(*ends), n, needs)


def share_figure(share: Share, estimate: Estimate, needs: tuple[Need, ...] = ()) -> Figure:
    """A share with the wider of two intervals at each end.

    Wilson's is right for few votes and for shares near 0 and 1, where drawing anew finds no variance; the
    cluster bootstrap allows for votes on one cover, or of one visitor, that resemble each other.
    """
    if share.value is None:
        return Figure(None, None, 0, needs)
    ends = estimate.interval(lowest=0)
    interval = share.interval if ends is None else wider(share.interval, Interval(*ends))
    return Figure(share.value, interval, share.trials, needs)


def _needs(ballots: VoteArrays, votes: int, what: str = "votes") -> tuple[Need, ...]:
    return (
        Need(what, votes, len(ballots)),
        Need("visitors", FEWEST_VISITORS, len(np.unique(ballots.visitor))),
        Need("covers", FEWEST_COVERS, len(np.unique(ballots.cover))),
    )


def against_chance(ballots: VoteArrays) -> AgainstChance:
    """What was felt before the verdict was shown, so both arms count; "nothing" is no agreement."""
    share, chance, excess = estimates(reliability.against_chance(ballots), ballots.cover, ballots.visitor)
    needs, n = _needs(ballots, FEWEST_VOTES), len(ballots)
    same = Share(int(np.sum(ballots.felt == ballots.said)), n)
    return AgainstChance(
        share_figure(same, share, needs), _figure(chance, n, needs, lowest=0), _figure(excess, n, needs)
    )


def against_placebo(votes: Sequence[StoredVote]) -> AgainstPlacebo:
    """How much of "I agree" is politeness. Which label a visitor got was drawn by lot, so the arms compare."""
    answered = [vote for vote in votes if vote.agrees is not None]
    ballots = arrays.from_votes(answered)
    agrees = np.array([bool(vote.agrees) for vote in answered], np.float64)
    arms = np.stack([np.array([v.arm == arm for v in answered], np.float64) for arm in ("judge", "placebo")])

    def statistic(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            judge, placebo = (weights @ (arm * agrees) / (weights @ arm) for arm in arms)
        return np.stack([judge, placebo, judge - placebo], axis=1)

    *each, difference = estimates(statistic, ballots.cover, ballots.visitor)
    said = [Share(int(arm @ agrees), int(arm.sum())) for arm in arms]
    needs = (
        Need("answers to the machine’s label", FEWEST_ANSWERS, said[0].trials),
        Need("answers to a random label", FEWEST_ANSWERS, said[1].trials),
    )
    judge, placebo = (
        share_figure(share, estimate, (need,))
        for share, estimate, need in zip(said, each, needs, strict=True)
    )
    apart = _figure(difference, len(answered), needs)
    if apart.interval is not None:
        apart = replace(apart, interval=wider(apart.interval, newcombe(*said)))
    return AgainstPlacebo(judge, placebo, apart)


def one_more_visitor(ballots: VoteArrays) -> OneMoreVisitor:
    """Machine and visitor against the others; wants votes for one of the eight on covers with a crowd."""
    numbers = estimates(reliability.one_more_visitor(ballots), ballots.cover, ballots.visitor)
    needs = _needs(ballots, FEWEST_COMPARED, f"votes on covers with {A_CROWD} or more")
    machine, visitor, difference = numbers
    return OneMoreVisitor(
        _figure(machine, len(ballots), needs),
        _figure(visitor, len(ballots), needs),
        _figure(difference, len(ballots), needs, lowest=-2, highest=2),
    )


def among_visitors(ballots: VoteArrays) -> Figure:
    """Krippendorff's alpha among visitors, "nothing" being an answer like others."""
    (number,) = estimates(reliability.alpha(ballots.cover, ballots.felt), ballots.cover, ballots.visitor)
    return _figure(number, len(ballots), _needs(ballots, FEWEST_COMPARED, "votes on covers with 2 or more"))


def noise(ballots: VoteArrays) -> Noise:
    """Crowd and verdict cover by cover; wants votes for one of the eight on covers with some.

    Intervals are over covers only: a distance belongs to a cover, not to a vote.
    """
    chosen = np.unique(ballots.cover)
    counts, verdicts = ballots.counts[chosen, : len(NAMES)], ballots.verdicts[chosen]
    votes = counts.sum(axis=1)
    distances = crowd_noise.jensen_shannon(crowd_noise.shares(counts), verdicts)
    imagined = crowd_noise.imagined_counts(votes, verdicts)
    by_chance = crowd_noise.jensen_shannon(crowd_noise.shares(imagined), verdicts)
    means, highs = by_chance.mean(axis=0), np.quantile(by_chance, 0.95, axis=0)
    both = np.stack([distances, distances - means], axis=1)

    def statistic(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            averages: Floats = (weights @ both) / weights.sum(axis=1, keepdims=True)
        return averages

    mean, excess = estimates(statistic, np.arange(len(chosen)))
    needs = (Need(f"covers with {SHARES} or more votes", FEWEST_COVERS, len(chosen)),)
    rows = tuple(
        CoverNoise(
            ballots.covers[cover],
            NAMES[int(verdicts[i].argmax())],
            int(votes[i]),
            float(distances[i]),
            float(means[i]),
            float(highs[i]),
        )
        for i, cover in enumerate(chosen)
    )
    return Noise(
        _figure(mean, len(chosen), needs, lowest=0),
        float(means.mean()) if len(chosen) else None,
        _figure(excess, len(chosen), needs),
        Share(sum(row.beyond for row in rows), len(rows)),
        rows,
    )


def calibrate(ballots: VoteArrays) -> Calibration:
    """Stated probabilities against what was felt; wants votes for one of the eight."""
    stated = ballots.verdicts[ballots.cover]
    *felt, gap = estimates(calibration.curve(ballots.felt, stated), ballots.cover, ballots.visitor)
    sums, hits, trials = (part.sum(axis=0) for part in calibration.per_vote(ballots.felt, stated))
    bins = tuple(
        CalibrationBin(
            float(sums[i] / trials[i]),
            share_figure(Share(int(hits[i]), int(trials[i])), felt[i]),
            int(trials[i]),
        )
        for i in np.flatnonzero(trials)
    )
    needs = _needs(ballots, FEWEST_CALIBRATING)
    by_chance = None
    if len(ballots):
        votes = ballots.counts.sum(axis=1)
        imagined = crowd_noise.imagined_counts(votes, ballots.verdicts)
        by_chance = float(calibration.error_by_noise(imagined, ballots.verdicts).mean())
    return Calibration(_figure(gap, len(ballots), needs, lowest=0), by_chance, bins)

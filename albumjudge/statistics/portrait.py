"""A visitor's portrait: their votes against everyone else's and the jurors' on the very same covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from albumjudge.domain import emotions
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.domain.verdict import Juror
from albumjudge.statistics.agreement import FELT, Interval, Share, wider, wilson
from albumjudge.statistics.findings import Figure, weighted_mean
from albumjudge.statistics.intervals import SEED, Estimate, Floats, cluster_weights, estimates
from albumjudge.statistics.rounds import SELDOM, card
from albumjudge.voting.rounds import Tally
from albumjudge.voting.votes import StoredVote

FEWEST_VOTES = 12
"""Of the visitor."""
FEWEST_OTHERS = 5
"""Other votes on a cover before it is compared."""
FEWEST_COMPARED = 6
"""Covers that can be compared before a difference is stated."""
DRAWS = 2000
_FLOOR = 1e-4
"""Least probability of a juror for what was felt, so that one surprise does not decide everything."""


@dataclass(frozen=True)
class Lean:
    """How much more or less of an emotion a visitor feels on the same covers.

    ``clear``: whether the interval, widened for asking about eight emotions (Bonferroni), excludes zero.
    """

    emotion: str
    yours: float
    others: float
    difference: Figure
    clear: bool


@dataclass(frozen=True)
class JurorLikeness:
    """How well a juror fits: mean probability that it gave to what the visitor felt (1/8 is guessing).

    ``support`` is the share of resampled sets of covers on which it fits best of all jurors.
    """

    juror: str
    given: float
    support: float


@dataclass(frozen=True)
class StoodAlone:
    """A cover on which few others felt the same: the share who did, and what most others felt."""

    cover: CoverIdentity
    felt: str
    alike: Share
    most: str


@dataclass(frozen=True)
class Portrait:
    """What is known of a visitor.

    ``compared`` counts covers with enough others' votes; ``leans`` (largest difference first) are missing with
    too few of them. Jurors: the most alike first. Covers: the loneliest first.
    """

    votes: int
    compared: int
    leans: tuple[Lean, ...]
    jurors: tuple[JurorLikeness, ...]
    alone: tuple[StoodAlone, ...]


def portray(
    mine: Sequence[StoredVote],
    others: Mapping[CoverIdentity, Tally],
    jurors: Mapping[CoverIdentity, Sequence[Juror]],
) -> Portrait | None:
    """Draw a portrait; None while the visitor has fewer than ``FEWEST_VOTES`` votes.

    Args:
        mine: the visitor's votes, one a cover.
        others: what others felt before each cover, without the visitor.
        jurors: what each juror feels before each cover; covers that are missing are not compared with them.
    """
    if len(mine) < FEWEST_VOTES:
        return None
    known = [vote for vote in mine if sum(others.get(vote.cover, {}).values()) >= FEWEST_OTHERS]
    leans = _leans(known, others) if len(known) >= FEWEST_COMPARED else []
    return Portrait(
        len(mine),
        len(known),
        tuple(sorted(leans, key=lambda lean: -abs(lean.difference.value or 0.0))),
        _alike(mine, jurors),
        _alone(known, others),
    )


def _leans(known: Sequence[StoredVote], others: Mapping[CoverIdentity, Tally]) -> list[Lean]:
    """The eight emotions in the fixed order."""
    mine = np.array([[float(vote.felt == name) for name in NAMES] for vote in known])
    counts = np.array([[others[vote.cover].get(name, 0) for name in FELT] for vote in known], np.float64)
    theirs = (counts / counts.sum(axis=1, keepdims=True))[:, : len(NAMES)]
    apart = mine - theirs
    found = estimates(lambda weights: weighted_mean(apart, weights), np.arange(len(known)))
    return [
        _lean(name, Share(int(mine[:, i].sum()), len(known)), float(theirs[:, i].mean()), found[i])
        for i, name in enumerate(NAMES)
    ]


def _lean(emotion: str, yours: Share, others: float, difference: Estimate) -> Lean:
    """With the wider of two intervals at each end: resampling finds no variance in what was never felt."""

    def ends(level: float) -> Interval | None:
        own, resampled = wilson(yours.successes, yours.trials, level), difference.interval(level=level)
        shifted = Interval(own.low - others, own.high - others)
        return None if resampled is None else wider(Interval(*resampled), shifted)

    careful = ends(1 - 0.05 / len(NAMES))
    clear = careful is not None and not careful.low <= 0 <= careful.high
    figure = Figure(difference.value, ends(0.95), yours.trials)
    return Lean(emotion, yours.successes / yours.trials, others, figure, clear)


def _alike(
    mine: Sequence[StoredVote], jurors: Mapping[CoverIdentity, Sequence[Juror]]
) -> tuple[JurorLikeness, ...]:
    """Jurors by their mean log probability of what the visitor felt, among covers that all of them judged."""
    named = [vote for vote in mine if vote.felt != NOTHING and jurors.get(vote.cover)]
    if not named:
        return ()
    names = [juror.name for juror in jurors[named[0].cover]]
    named = [vote for vote in named if [juror.name for juror in jurors[vote.cover]] == names]
    given: Floats = np.array(
        [[juror.probabilities[emotions.index(vote.felt)] for juror in jurors[vote.cover]] for vote in named]
    )
    scores = np.log(np.maximum(given, _FLOOR))
    weights = cluster_weights(np.arange(len(named)), DRAWS, np.random.default_rng(SEED))
    best = (weights @ scores).argmax(axis=1)
    support = np.bincount(best, minlength=len(names)) / DRAWS
    order = np.argsort(-scores.mean(axis=0), kind="stable")
    return tuple(JurorLikeness(names[i], float(given[:, i].mean()), float(support[i])) for i in order)


def _alone(known: Sequence[StoredVote], others: Mapping[CoverIdentity, Tally]) -> tuple[StoodAlone, ...]:
    found = []
    for vote in known:
        here = card(vote, others[vote.cover])
        if here.alike.successes < SELDOM * here.alike.trials:
            most = FELT[here.others.index(max(here.others))]
            found.append(StoodAlone(vote.cover, vote.felt, here.alike, most))
    return tuple(sorted(found, key=lambda row: (row.alike.interval.high, str(row.cover))))

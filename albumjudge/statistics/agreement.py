"""Agreement of visitors and judge: counts, shares and their intervals.

*Felt* is blind: did a visitor, who knew no verdict, feel the judge's most probable emotion? *Says* is told: did
a visitor agree with the label shown? Answers in the placebo arm, whose label is drawn at random, count apart.

statsmodels is imported where it is used: the first cover would wait a second for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain.emotions import ANSWERS, NAMES

if TYPE_CHECKING:
    from albumjudge.domain.cover import CoverIdentity
    from albumjudge.domain.verdict import Verdict
    from albumjudge.voting.votes import StoredVote

FELT = ANSWERS
"""What a visitor can feel: the rows of the confusion matrix."""
FEWEST_VOTES = 3
"""A cover with fewer votes appears in no ranking."""
RANKED = 6
"""Covers in a ranking."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval, ``low`` <= ``high``; that of a share lies between 0 and 1."""

    low: float
    high: float


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share; 0 to 1 without trials.

    Raises:
        ValueError: if not 0 <= ``successes`` <= ``trials``, or ``level`` is not between 0 and 1.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials are impossible.")
    if not 0 < level < 1:
        raise ValueError(f"A confidence level lies between 0 and 1; {level} does not.")
    if trials == 0:
        return Interval(0.0, 1.0)
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(successes, trials, 1 - level, method="wilson")
    share = successes / trials  # rounding can leave it just outside
    return Interval(min(float(low), share), max(float(high), share))


def wider(one: Interval, other: Interval) -> Interval:
    """The lower of two lower ends and the higher of two upper ends."""
    return Interval(min(one.low, other.low), max(one.high, other.high))


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    successes: int
    trials: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None if there was no trial."""
        return self.successes / self.trials if self.trials else None

    @property
    def interval(self) -> Interval:
        """Wilson's interval at 95 %."""
        return wilson(self.successes, self.trials)


def newcombe(first: Share, second: Share) -> Interval:
    """Newcombe's hybrid score interval at 95 % (1998, method 10) of the first share less the second.

    Without trials on one side, all that is left possible.
    """
    if not (first.trials and second.trials):
        return Interval(first.interval.low - second.interval.high, first.interval.high - second.interval.low)
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        first.successes, first.trials, second.successes, second.trials, method="newcomb"
    )
    return Interval(max(-1.0, float(low)), min(1.0, float(high)))  # rounding can leave them just outside


@dataclass(frozen=True)
class EmotionRow:
    """One emotion: votes that felt it, votes beside a verdict that named it, recall, precision, "I agree"."""

    emotion: str
    felt: int
    named: int
    recognised: Share
    shared: Share
    says_agree: Share


@dataclass(frozen=True)
class CoverAgreement:
    """One cover: its latest verdict, votes by ``FELT``, and votes that felt what their verdict said."""

    cover: CoverIdentity
    verdict: Verdict
    felt: tuple[int, ...]
    agreement: Share


def confusion(votes: Iterable[StoredVote]) -> NDArray[np.int64]:
    """Votes by what was felt (rows, as ``FELT``) and the verdict's top emotion (columns): shape (9, 8)."""
    counts = np.zeros((len(FELT), len(NAMES)), np.int64)
    for vote in votes:
        counts[FELT.index(vote.felt), NAMES.index(vote.verdict.top)] += 1
    return counts


def says_agree(votes: Iterable[StoredVote], *, label: str | None = None) -> Share:
    """Of the answers to the judge's own label, those that agreed; of one ``label`` if that is given."""
    answers = [
        vote.agrees
        for vote in votes
        if vote.arm == "judge" and vote.agrees is not None and label in (None, vote.label_shown)
    ]
    return Share(sum(answers), len(answers))


def per_emotion(votes: Sequence[StoredVote]) -> tuple[EmotionRow, ...]:
    """Compare people and machine emotion by emotion, eight rows in the fixed order."""
    counts = confusion(votes)
    rows = []
    for i, name in enumerate(NAMES):
        felt, named, both = int(counts[i].sum()), int(counts[:, i].sum()), int(counts[i, i])
        rows.append(
            EmotionRow(
                name, felt, named, Share(both, felt), Share(both, named), says_agree(votes, label=name)
            )
        )
    return tuple(rows)


def per_cover(votes: Iterable[StoredVote]) -> tuple[CoverAgreement, ...]:
    """Compare people and machine cover by cover, in the order of the covers' first votes."""
    by_cover: defaultdict[CoverIdentity, list[StoredVote]] = defaultdict(list)
    for vote in votes:
        by_cover[vote.cover].append(vote)
    rows = []
    for cover, its_votes in by_cover.items():
        felt = Counter(vote.felt for vote in its_votes)
        latest = max(its_votes, key=lambda vote: vote.voted_at)
        agreement = Share(sum(vote.felt == vote.verdict.top for vote in its_votes), len(its_votes))
        rows.append(CoverAgreement(cover, latest.verdict, tuple(felt[name] for name in FELT), agreement))
    return tuple(rows)


def most_agreed(covers: Iterable[CoverAgreement]) -> tuple[CoverAgreement, ...]:
    """Covers on which at least half agree, by the lower end of the interval, highest first."""
    agreed = [row for row in _eligible(covers) if 2 * row.agreement.successes >= row.agreement.trials]
    return tuple(sorted(agreed, key=lambda row: (-row.agreement.interval.low, str(row.cover)))[:RANKED])


def most_disputed(covers: Iterable[CoverAgreement]) -> tuple[CoverAgreement, ...]:
    """Covers on which fewer than half agree, by the upper end of the interval, lowest first."""
    disputed = [row for row in _eligible(covers) if 2 * row.agreement.successes < row.agreement.trials]
    return tuple(sorted(disputed, key=lambda row: (row.agreement.interval.high, str(row.cover)))[:RANKED])


def _eligible(covers: Iterable[CoverAgreement]) -> list[CoverAgreement]:
    return [row for row in covers if row.agreement.trials >= FEWEST_VOTES]

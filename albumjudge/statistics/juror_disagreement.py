"""Where the jurors of a verdict disagree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from albumjudge.domain import emotions
from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Juror, Verdict, mutual_information


@dataclass(frozen=True)
class Gap:
    """An emotion and the jurors who feel most and least of it."""

    emotion: str
    most: Juror
    least: Juror

    @property
    def shares(self) -> tuple[float, float]:
        """What the two feel, 0 to 1, the larger share first."""
        place = emotions.index(self.emotion)
        return self.most.probabilities[place], self.least.probabilities[place]


def widest_gap(verdict: Verdict) -> Gap:
    """The emotion about which two jurors are furthest apart; raises ValueError with fewer than two jurors."""
    jurors = _several(verdict)
    shares = np.array([juror.probabilities for juror in jurors])
    place = int(np.ptp(shares, axis=0).argmax())
    return Gap(NAMES[place], jurors[int(shares[:, place].argmax())], jurors[int(shares[:, place].argmin())])


def alone(verdict: Verdict) -> tuple[Juror, ...]:
    """Jurors whose top emotion nobody else shares; raises ValueError with fewer than two jurors."""
    jurors = _several(verdict)
    tops = [emotions.top(juror.probabilities) for juror in jurors]
    return tuple(juror for juror, top in zip(jurors, tops, strict=True) if tops.count(top) == 1)


def distances(verdict: Verdict) -> tuple[float, ...]:
    """Jensen-Shannon divergence in bits, 0 to 1, of each juror from the mean of the others.

    Raises ValueError with fewer than two jurors.
    """
    shares = np.array([juror.probabilities for juror in _several(verdict)])
    others = (shares.sum(0) - shares) / (len(shares) - 1)
    return tuple(mutual_information([one, rest]) for one, rest in zip(shares, others, strict=True))


def furthest(verdict: Verdict) -> Juror:
    """The juror furthest from the others, the first of several; raises ValueError with fewer than two."""
    far = distances(verdict)
    return verdict.jurors[far.index(max(far))]


def _several(verdict: Verdict) -> tuple[Juror, ...]:
    if len(verdict.jurors) < 2:
        raise ValueError("It takes two to disagree; this verdict has not kept what several jurors felt.")
    return verdict.jurors

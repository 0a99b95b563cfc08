"""Where the jurors of a verdict part ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from albumjudge.domain import emotions
from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Juror, Verdict, mutual_information


@dataclass(frozen=True)
class Gap:
    """How far jurors are apart about one emotion.

    Attributes:
        emotion: which.
        most, least: who feels most and least of it.
    """

    emotion: str
    most: Juror
    least: Juror

    @property
    def shares(self) -> tuple[float, float]:
        """What the two feel, 0 to 1, the larger share first."""
        place = emotions.index(self.emotion)
        return self.most.probabilities[place], self.least.probabilities[place]


def widest_gap(verdict: Verdict) -> Gap:
    """The emotion about which two jurors are furthest apart; the first in the fixed order if several are.

    Raises:
        ValueError: if there are not at least two jurors.
    """
    jurors = _several(verdict)
    shares = np.array([juror.probabilities for juror in jurors])
    place = int(np.ptp(shares, axis=0).argmax())
    return Gap(NAMES[place], jurors[int(shares[:, place].argmax())], jurors[int(shares[:, place].argmin())])


def alone(verdict: Verdict) -> tuple[Juror, ...]:
    """The jurors who put an emotion first that nobody else does, in their order.

    Raises:
        ValueError: if there are not at least two jurors.
    """
    firsts = [emotions.top(juror.probabilities) for juror in _several(verdict)]
    return tuple(
        juror for juror, first in zip(verdict.jurors, firsts, strict=True) if firsts.count(first) == 1
    )


def distances(verdict: Verdict) -> tuple[float, ...]:
    """How far each juror is from the mean of all others, in bits: 0 for the same, 1 for nothing in common.

    The Jensen-Shannon divergence (Lin 1991, https://doi.org/10.1109/18.61115).

    Raises:
        ValueError: if there are not at least two jurors.
    """
    shares = np.array([juror.probabilities for juror in _several(verdict)])
    others = (shares.sum(0) - shares) / (len(shares) - 1)
    return tuple(mutual_information([one, rest]) for one, rest in zip(shares, others, strict=True))


def furthest(verdict: Verdict) -> Juror:
    """The juror who is furthest from the others; the first if several are.

    Raises:
        ValueError: if there are not at least two jurors.
    """
    far = distances(verdict)
    return verdict.jurors[far.index(max(far))]


def _several(verdict: Verdict) -> tuple[Juror, ...]:
    if len(verdict.jurors) < 2:
        raise ValueError("It takes two to disagree; this verdict has not kept what several jurors felt.")
    return verdict.jurors

"""Where the jurors of a verdict disagree; it takes two, so verdicts with fewer raise ValueError."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from albumjudge.domain import emotions
from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Juror, Verdict, mutual_information


@dataclass(frozen=True)
class Gap:
    """An emotion, the jurors who feel most and least of it, and the shares that they give it."""

    emotion: str
    most: Juror
    least: Juror
    shares: tuple[float, float]


def widest_gap(verdict: Verdict) -> Gap:
    """The emotion about which two jurors are furthest apart."""
    shares = _shares(verdict)
    place = int(np.ptp(shares, axis=0).argmax())
    most, least = int(shares[:, place].argmax()), int(shares[:, place].argmin())
    jurors, ends = verdict.jurors, (float(shares[most, place]), float(shares[least, place]))
    return Gap(NAMES[place], jurors[most], jurors[least], ends)


def alone(verdict: Verdict) -> tuple[Juror, ...]:
    """Jurors whose top emotion nobody else shares."""
    tops = [emotions.top(shares.tolist()) for shares in _shares(verdict)]
    return tuple(juror for juror, top in zip(verdict.jurors, tops, strict=True) if tops.count(top) == 1)


def furthest(verdict: Verdict) -> Juror:
    """The juror, the first of several, with the largest Jensen-Shannon divergence from the mean of the others."""
    shares = _shares(verdict)
    others = (shares.sum(0) - shares) / (len(shares) - 1)
    far = [mutual_information(pair.tolist()) for pair in np.stack([shares, others], axis=1)]
    return verdict.jurors[int(np.argmax(far))]


def _shares(verdict: Verdict) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    if len(verdict.jurors) < 2:
        raise ValueError("It takes two to disagree; this verdict has not kept what several jurors felt.")
    return np.array([juror.probabilities for juror in verdict.jurors])

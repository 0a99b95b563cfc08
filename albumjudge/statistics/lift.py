"""Which emotion stands out: its share over what covers usually get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from albumjudge.domain.emotions import NAMES


@dataclass(frozen=True)
class Lift:
    """An emotion, its share, the usual one, and the first over the second."""

    emotion: str
    share: float
    usual: float

    @property
    def ratio(self) -> float:
        """1 for what is usual."""
        return self.share / self.usual


def usual_shares(distributions: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Mean of distributions over the eight emotions; even shares without any."""
    if not len(distributions):
        return (1 / len(NAMES),) * len(NAMES)
    return tuple(np.mean(np.asarray(distributions, np.float64), axis=0).tolist())


def lifts(probabilities: Sequence[float], usual: Sequence[float]) -> tuple[Lift, ...]:
    """Every emotion's lift, in the fixed order.

    Raises:
        ValueError: if there are not eight shares on both sides, or a usual one is not above zero.
    """
    if len(probabilities) != len(NAMES) or len(usual) != len(NAMES) or min(usual) <= 0:
        raise ValueError(f"A lift needs {len(NAMES)} shares and {len(NAMES)} usual ones above zero.")
    return tuple(Lift(*row) for row in zip(NAMES, probabilities, usual, strict=True))


def stands_out(probabilities: Sequence[float], usual: Sequence[float], *, least: float = 0.0) -> Lift | None:
    """The emotion with the highest lift; None if none is above what is usual.

    Args:
        probabilities: eight shares in the fixed order.
        usual: shares that covers get on average, each above zero.
        least: share below which an emotion is too faint to stand out.
    """
    above = [one for one in lifts(probabilities, usual) if one.ratio > 1 + 1e-9 and one.share >= least]
    return max(above, key=lambda one: one.ratio, default=None)

"""What a jury says about covers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover


@dataclass(frozen=True)
class Juror:
    """What one juror says: eight ``probabilities`` that add up to one, in the fixed order."""

    name: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Verdict:
    """A jury's distribution over the eight emotions for one cover.

    Attributes:
        probabilities: weighted mean of the jurors': eight numbers from 0 to 1, one in all, in the fixed order.
        revision: of the jury's checkpoint.
        jurors: what each of them feels; empty where only the mean was kept.

    Raises:
        ValueError: if the probabilities are no distribution over eight emotions.
    """

    probabilities: tuple[float, ...]
    revision: str
    jurors: tuple[Juror, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        fits = len(self.probabilities) == len(emotions.NAMES) and min(self.probabilities) >= 0
        if not fits or not abs(sum(self.probabilities) - 1) < 1e-3:
            raise ValueError(f"{self.probabilities} is no distribution over {len(emotions.NAMES)} emotions.")

    @property
    def top(self) -> str:
        """Name of the most probable emotion."""
        return emotions.top(self.probabilities)

    @property
    def words(self) -> str:
        """The distribution as a museum label says it: "mostly awe, a little fear"."""
        return emotions.in_words(self.probabilities)

    @property
    def firsts(self) -> tuple[str, ...]:
        """The emotions that at least one juror puts first, in the fixed order; empty without jurors."""
        named = {emotions.top(juror.probabilities) for juror in self.jurors}
        return tuple(name for name in emotions.NAMES if name in named)

    @property
    def disagreement(self) -> float:
        """How much the jurors differ, in bits: 0 if all feel alike, see :func:`mutual_information`.

        Raises:
            ValueError: if only the mean was kept.
        """
        return mutual_information([juror.probabilities for juror in self.jurors])


@dataclass(frozen=True, eq=False)
class JudgedCover:
    """A cover and what the judge says about it."""

    cover: Cover
    verdict: Verdict


def mutual_information(shares: Sequence[Sequence[float]]) -> float:
    """Entropy of the mean of distributions less the mean of their entropies, 0 to log2(len(shares)) bits.

    What asking one more juror would tell (Houlsby et al. 2011, https://arxiv.org/abs/1112.5745). Raises
    ValueError if there is none.
    """
    if len(shares) == 0:
        raise ValueError("Without jurors there is no disagreement to measure.")
    each = np.asarray(shares, float)
    return max(0.0, float(_entropy(each.mean(0)) - _entropy(each).mean()) / math.log(2))


def _entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    entropy: NDArray[np.float64] = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(-1)
    return entropy

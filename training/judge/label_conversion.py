"""Other data sets' scales as distributions over the eight emotions.

WikiArt-Emotions (Mohammad & Kiritchenko, LREC 2018) has the share of people who named each of twenty emotions;
FeelingBlue (Ananthram, Winn & Muresan, TACL 2023) best-worst scores from -1 to 1 for one or two of five.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain.emotions import NAMES
from training.judge.kernel_regression import Matrix

WIKIART: dict[str, dict[str, float]] = {
    "happiness": {"contentment": 0.5, "amusement": 0.3, "excitement": 0.2},
    "love": {"contentment": 0.7, "awe": 0.3},
    "optimism": {"contentment": 0.5, "excitement": 0.5},
    "trust": {"contentment": 0.6, "awe": 0.4},
    "gratitude": {"contentment": 0.6, "awe": 0.4},
    "humility": {"contentment": 0.7, "awe": 0.3},
    "agreeableness": {"contentment": 1.0},
    "anger": {"anger": 1.0},
    "arrogance": {"disgust": 0.5, "anger": 0.5},
    "disagreeableness": {"anger": 0.5, "disgust": 0.5},
    "disgust": {"disgust": 1.0},
    "fear": {"fear": 1.0},
    "pessimism": {"sadness": 0.7, "fear": 0.3},
    "regret": {"sadness": 1.0},
    "sadness": {"sadness": 1.0},
    "shame": {"sadness": 0.5, "disgust": 0.5},
}
"""How a WikiArt emotion is divided among the eight; anticipation, surprise, shyness and neutral say nothing."""
FEELINGBLUE: dict[str, dict[str, float]] = {
    "anger": {"anger": 1.0},
    "disgust": {"disgust": 1.0},
    "fear": {"fear": 1.0},
    "sadness": {"sadness": 1.0},
    "happiness": {"amusement": 0.5, "contentment": 0.5, "excitement": 0.5},
}
"""By how much a score changes the logarithm of a share, times :data:`FEELINGBLUE_GAIN`."""
FEELINGBLUE_GAIN = 2.0
PRIOR_WEIGHT = 0.3
"""How much of the abstract paintings' mean distribution is added to what WikiArt's people named."""
POSITIVE = ("gratitude", "happiness", "humility", "love", "optimism", "trust")
NEGATIVE = ("anger", "arrogance", "disgust", "fear", "pessimism", "regret", "sadness", "shame")
"""WikiArt-Emotions' own division of its emotions; the other six it calls mixed."""


def valence(columns: Sequence[str], scales: Matrix) -> Matrix:
    """Shares of WikiArt's positive emotions less its negative ones, shape ``(n,)``; NaN where unknown."""
    positive, negative = (
        scales[:, [columns.index(f"wikiart_{name}") for name in names if f"wikiart_{name}" in columns]].sum(1)
        for names in (POSITIVE, NEGATIVE)
    )
    difference: Matrix = np.round(positive - negative, 6)
    return difference


def _matrix(columns: Sequence[str], prefix: str, table: dict[str, dict[str, float]]) -> Matrix:
    matrix = np.zeros((len(columns), len(NAMES)))
    for name, parts in table.items():
        if prefix + name in columns:
            matrix[columns.index(prefix + name), [NAMES.index(part) for part in parts]] = list(parts.values())
    return matrix


def to_shares(columns: Sequence[str], scales: Matrix, prior: Matrix, learnt: NDArray[np.bool_]) -> Matrix:
    """Distributions over the eight emotions, shape ``(n, 8)``.

    Each emotion's total over the pictures learnt from is scaled to its part of ``prior``, since the two data sets
    offer different lists of emotions.

    Args:
        columns, scales: names and values, shape ``(n, k)``, NaN where nobody was asked.
        prior: mean shares of the abstract paintings' votes, shape ``(8,)``.
        learnt: which pictures the totals are taken over, shape ``(n,)``.
    """
    known = np.nan_to_num(scales)
    named = known @ _matrix(columns, "wikiart_", WIKIART)
    asked = named.any(1) & learnt
    if asked.any():
        mean = named[asked].mean(0)
        scaled = named * prior / np.maximum(mean / mean.sum(), 1e-9)
        named = scaled * mean.sum() / scaled[asked].sum(1).mean()
    shares = named + PRIOR_WEIGHT * prior
    shares *= np.exp(FEELINGBLUE_GAIN * known @ _matrix(columns, "bws_", FEELINGBLUE))
    normalised: Matrix = shares / shares.sum(1, keepdims=True)
    return normalised

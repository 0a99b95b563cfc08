"""How far predicted feelings are from people's: measures between distributions over the eight emotions.

Everywhere ``true`` and ``predicted`` are float arrays of shape ``(n, 8)`` whose rows add up to one. The
names are those of the literature on label distribution learning (Geng, 2016).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, rel_entr
from scipy.stats import rankdata, spearmanr

from albumjudge.domain.emotions import EMOTIONS

Shares = NDArray[np.float64]
POSITIVE = np.array([emotion.positive for emotion in EMOTIONS])


def kl(true: Shares, predicted: Shares) -> Shares:
    """Kullback-Leibler divergence of the prediction from the truth, in nats, shape ``(n,)``.

    Infinite where the prediction rules out what somebody felt.
    """
    return np.asarray(rel_entr(true, predicted).sum(1))


def jsd(true: Shares, predicted: Shares) -> Shares:
    """Jensen-Shannon divergence in nats, 0 to ln 2, shape ``(n,)``."""
    middle = (true + predicted) / 2
    return (kl(true, middle) + kl(predicted, middle)) / 2


def cosine(true: Shares, predicted: Shares) -> Shares:
    """Cosine similarity, shape ``(n,)``."""
    lengths = np.linalg.norm(true, axis=1) * np.linalg.norm(predicted, axis=1)
    return np.asarray((true * predicted).sum(1) / lengths)


def chebyshev(true: Shares, predicted: Shares) -> Shares:
    """Largest difference in one emotion, shape ``(n,)``."""
    return np.asarray(np.abs(true - predicted).max(1))


def intersection(true: Shares, predicted: Shares) -> Shares:
    """Share of the votes on which the two agree, 0 to 1, shape ``(n,)``."""
    return np.asarray(np.minimum(true, predicted).sum(1))


def _relative(true: Shares, predicted: Shares) -> Shares:
    """Differences over sums, ``(n, 8)``; 0 where both are zero."""
    total = true + predicted
    return np.asarray(np.abs(true - predicted) / np.where(total > 0, total, 1))


def clark(true: Shares, predicted: Shares) -> Shares:
    """Clark distance, 0 to the root of 8, shape ``(n,)``."""
    return np.asarray(np.sqrt((_relative(true, predicted) ** 2).sum(1)))


def canberra(true: Shares, predicted: Shares) -> Shares:
    """Canberra metric, 0 to 8, shape ``(n,)``."""
    return np.asarray(_relative(true, predicted).sum(1))


def spearman(true: Shares, predicted: Shares) -> Shares:
    """Spearman's rank correlation of the eight shares, shape ``(n,)``; 0 where one side is constant."""
    left, right = (rankdata(side, axis=1) - (len(POSITIVE) + 1) / 2 for side in (true, predicted))
    lengths = np.sqrt((left**2).sum(1) * (right**2).sum(1))
    return np.asarray((left * right).sum(1) / np.where(lengths > 0, lengths, 1))


def balanced_accuracy(true: Shares, predicted: Shares) -> float:
    """Mean over emotions of how often an image on top with it is recognised. Meant for clear images."""
    wanted, hits = true.argmax(1), top_hits(true, predicted)
    return float(np.mean([hits[wanted == emotion].mean() for emotion in np.unique(wanted)]))


def entropy_correlation(true: Shares, predicted: Shares) -> float:
    """Spearman correlation over images of the two entropies: does it know which images divide people?"""
    human, machine = entr(true).sum(1), entr(predicted).sum(1)
    if np.ptp(human) == 0 or np.ptp(machine) == 0:
        return 0.0
    return float(spearmanr(human, machine).statistic)


def top_hits(true: Shares, predicted: Shares, k: int = 1) -> NDArray[np.bool_]:
    """Whether people's top emotion is among the k most probable, shape ``(n,)``. Meant for clear images."""
    ranked = np.argsort(-predicted, axis=1, kind="stable")[:, :k]
    return np.asarray((ranked == true.argmax(1)[:, None]).any(1))


def polarity_hits(true: Shares, predicted: Shares) -> NDArray[np.bool_]:
    """Whether both, or neither, put more than half on the positive emotions, shape ``(n,)``."""
    return np.asarray((true[:, POSITIVE].sum(1) > 0.5) == (predicted[:, POSITIVE].sum(1) > 0.5))


def calibration_error(confidence: NDArray[np.float64], hit: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017): mean gap of confidence and hit rate, equal-width bins."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[place == b].sum() - hit[place == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(confidence))


DISTANCES = (kl, jsd, cosine, chebyshev, clark, canberra, intersection, spearman)


def table_row(true: Shares, predicted: Shares, clear: NDArray[np.bool_]) -> dict[str, float]:
    """All measures of one method by metric id. ``clear``, shape ``(n,)``: images whose top emotion is untied."""
    hits = top_hits(true[clear], predicted[clear])
    return {
        **{measure.__name__: float(measure(true, predicted).mean()) for measure in DISTANCES},
        "top1": float(hits.mean()),
        "top2": float(top_hits(true[clear], predicted[clear], 2).mean()),
        "balanced_accuracy": balanced_accuracy(true[clear], predicted[clear]),
        "polarity": float(polarity_hits(true, predicted).mean()),
        "entropy_correlation": entropy_correlation(true, predicted),
        "ece": calibration_error(predicted[clear].max(1), hits),
    }

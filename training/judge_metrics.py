"""How far predicted feelings are from people's: measures between distributions over the eight emotions.

Everywhere ``true`` and ``predicted`` are float arrays of shape ``(n, 8)`` whose rows add up to one. The
names are those of the literature on label distribution learning (Geng, 2016).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from albumjudge.emotions import EMOTIONS

Shares = NDArray[np.float64]
POSITIVE = np.array([emotion.positive for emotion in EMOTIONS])


def kl(true: Shares, predicted: Shares) -> NDArray[np.float64]:
    """Kullback-Leibler divergence of the prediction from the truth, in nats, shape ``(n,)``.

    Infinite where the prediction rules out what somebody felt.
    """
    divergence: NDArray[np.float64] = rel_entr(true, predicted).sum(1)
    return divergence


def jsd(true: Shares, predicted: Shares) -> NDArray[np.float64]:
    """Jensen-Shannon divergence in nats, 0 to ln 2, shape ``(n,)``."""
    middle = (true + predicted) / 2
    return (kl(true, middle) + kl(predicted, middle)) / 2


def cosine(true: Shares, predicted: Shares) -> NDArray[np.float64]:
    """Cosine similarity, shape ``(n,)``."""
    lengths = np.linalg.norm(true, axis=1) * np.linalg.norm(predicted, axis=1)
    similarity: NDArray[np.float64] = (true * predicted).sum(1) / lengths
    return similarity


def chebyshev(true: Shares, predicted: Shares) -> NDArray[np.float64]:
    """Largest difference in one emotion, shape ``(n,)``."""
    distance: NDArray[np.float64] = np.abs(true - predicted).max(1)
    return distance


def intersection(true: Shares, predicted: Shares) -> NDArray[np.float64]:
    """Share of the votes on which the two agree, 0 to 1, shape ``(n,)``."""
    common: NDArray[np.float64] = np.minimum(true, predicted).sum(1)
    return common


def top_hits(true: Shares, predicted: Shares, k: int = 1) -> NDArray[np.bool_]:
    """Whether people's top emotion is among the k most probable, shape ``(n,)``. Meant for clear images."""
    ranked = np.argsort(-predicted, axis=1, kind="stable")[:, :k]
    hits: NDArray[np.bool_] = (ranked == true.argmax(1)[:, None]).any(1)
    return hits


def polarity_hits(true: Shares, predicted: Shares) -> NDArray[np.bool_]:
    """Whether both, or neither, put more than half on the positive emotions, shape ``(n,)``."""
    hits: NDArray[np.bool_] = (true[:, POSITIVE].sum(1) > 0.5) == (predicted[:, POSITIVE].sum(1) > 0.5)
    return hits


def calibration_error(confidence: NDArray[np.float64], hit: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017): mean gap of confidence and hit rate, equal-width bins."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[place == b].sum() - hit[place == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(confidence))


def table_row(true: Shares, predicted: Shares, clear: NDArray[np.bool_]) -> dict[str, float]:
    """All measures of one method. ``clear``, shape ``(n,)``: images whose top emotion is untied."""
    hits = top_hits(true[clear], predicted[clear])
    return {
        "KL": float(kl(true, predicted).mean()),
        "JSD": float(jsd(true, predicted).mean()),
        "cosine": float(cosine(true, predicted).mean()),
        "Chebyshev": float(chebyshev(true, predicted).mean()),
        "intersection": float(intersection(true, predicted).mean()),
        "top-1": float(hits.mean()),
        "top-2": float(top_hits(true[clear], predicted[clear], 2).mean()),
        "polarity": float(polarity_hits(true, predicted).mean()),
        "ECE": calibration_error(predicted[clear].max(1), hits),
    }

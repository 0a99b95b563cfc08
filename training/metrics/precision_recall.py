"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020), neighbours."""

from __future__ import annotations

import contextlib
import io

import numpy as np
from numpy.typing import NDArray
from prdc import compute_prdc
from sklearn.neighbors import NearestNeighbors

from training.data.covers import DataError

Features = NDArray[np.float64]
K = 5


def precision_recall(real: Features, painted: Features, k: int = K) -> dict[str, float]:
    """``precision``, ``recall``, ``density`` and ``coverage`` of two sets of features.

    Args:
        real, painted: shapes ``(n, d)`` and ``(m, d)``, each of more than k + 1 rows.
        k: a feature's neighbourhood reaches to its k-th nearest neighbour in its own set.

    Raises:
        DataError: if there are too few covers.
    """
    if min(len(real), len(painted)) <= k + 1:
        raise DataError(f"Neighbourhoods of {k} need more than {k + 1} covers on each side.")
    with contextlib.redirect_stdout(io.StringIO()):  # It prints how many there are.
        found = compute_prdc(real, painted, k)
    return {name: float(value) for name, value in found.items()}


def nearest(features: Features, among: Features, count: int = 1) -> tuple[Features, NDArray[np.int64]]:
    """Distances to the nearest rows of ``among`` and their indices, both ``(n, count)``, the nearest first."""
    distances, indices = (
        NearestNeighbors(n_neighbors=count, algorithm="brute").fit(among).kneighbors(features)
    )
    return distances, indices


def share_closer(distances: Features, usual: Features, share: float) -> float:
    """Share of distances below the ``share``-quantile of the usual ones; about ``share`` if they are alike."""
    return float((distances < np.quantile(usual, share)).mean())

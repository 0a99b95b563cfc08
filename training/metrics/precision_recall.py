"""How two clouds of features lie in each other: what is covered, what is invented, what is nearest.

The manifold of a cloud is thought of as one ball around each of its points, reaching to its k-th nearest
neighbour in the same cloud.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from training.data.covers import DataError

Cloud = NDArray[np.float64]
K = 5
_ROWS = 1000


@dataclass(frozen=True)
class Overlap:
    """Two clouds of features compared, ``real`` and ``other``.

    Attributes:
        precision: share of other points in some real ball (Kynkäänniemi et al. 2019); 0 to 1.
        recall: share of real points in some other ball (likewise); 0 to 1.
        density: real balls around another point, over k, on average (Naeem et al. 2020); one is expected of more
            of the same, and there is no upper bound.
        coverage: share of real balls with another point in them (likewise); ``1 - 2 ** -k`` is expected of more
            of the same.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def overlap(real: Cloud, other: Cloud, k: int = K) -> Overlap:
    """Compare two clouds by their balls, as the reference code of Naeem et al. does: the rim is outside.

    Args:
        real, other: shapes ``(n, d)`` and ``(m, d)``, each of more than k points.

    Raises:
        DataError: if there are too few points.
    """
    if min(len(real), len(other)) <= k:
        raise DataError(f"Balls of {k} neighbours need more than {k} covers on each side.")
    distances = cdist(real, other)
    in_real = distances < _reach(real, k)[:, None]
    in_other = distances < _reach(other, k)[None, :]
    return Overlap(
        precision=float(in_real.any(0).mean()),
        recall=float(in_other.any(1).mean()),
        density=float(in_real.sum() / (k * len(other))),
        coverage=float(in_real.any(1).mean()),
    )


def _reach(cloud: Cloud, k: int) -> Cloud:
    """Distance of each point to its k-th nearest other one, shape ``(n,)``."""
    distances = cdist(cloud, cloud)
    np.fill_diagonal(distances, np.inf)
    reach: Cloud = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return reach


def nearest(cloud: Cloud, among: Cloud, count: int = 1) -> tuple[Cloud, NDArray[np.int64]]:
    """The nearest points of another cloud, the nearest first.

    Args:
        cloud, among: shapes ``(n, d)`` and ``(m, d)``.
        count: at most m.

    Returns:
        distances and places in ``among``, both of shape ``(n, count)``.
    """
    distances, places = [], []
    for start in range(0, len(cloud), _ROWS):
        part = cdist(cloud[start : start + _ROWS], among)
        best = np.argsort(part, axis=1, kind="stable")[:, :count]
        places.append(best)
        distances.append(np.take_along_axis(part, best, axis=1))
    return np.concatenate(distances), np.concatenate(places).astype(np.int64)


def closer_than(distances: Cloud, usual: Cloud, share: float) -> float:
    """Share of distances below the ``share``-quantile of the usual ones; about ``share`` if they are alike.

    Args:
        distances, usual: shapes ``(n,)`` and ``(m,)``.
    """
    return float((distances < np.quantile(usual, share)).mean())

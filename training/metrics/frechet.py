"""Frechet distance between two sets of features, as in FID (Heusel et al. 2017, https://arxiv.org/abs/1706.08500)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.data.covers import DataError


def frechet_distance(real: NDArray[np.float64], painted: NDArray[np.float64]) -> float:
    """Squared Frechet distance ``|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^0.5)`` of the Gaussians fitted to both.

    Args:
        real, painted: shapes ``(n, d)`` and ``(m, d)``.

    Raises:
        DataError: if n or m is not above d, so that a covariance would be singular.
    """
    count, size = min(len(real), len(painted)), real.shape[1]
    if count <= size:
        raise DataError(
            f"A Frechet distance over {size} features needs more than {size} covers on each side, not {count}. "
            "Give a larger --count, or hold more covers out."
        )
    difference = real.mean(0) - painted.mean(0)
    covariances = [np.atleast_2d(np.cov(features, rowvar=False)) for features in (real, painted)]
    # The trace of the product's square root is the sum of the roots of its eigenvalues.
    eigenvalues = np.linalg.eigvals(covariances[0] @ covariances[1])
    root = np.sqrt(eigenvalues.astype(complex)).real.sum()
    return float(difference @ difference + np.trace(covariances[0] + covariances[1]) - 2 * root)

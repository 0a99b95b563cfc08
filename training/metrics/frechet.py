"""Frechet distance between two sets of features, as in FID (Heusel et al. 2017, https://arxiv.org/abs/1706.08500)."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.image.fid import FrechetInceptionDistance

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


def inception_fid(real: NDArray[np.uint8], painted: NDArray[np.uint8]) -> float:
    """FID as published, of covers ``(n, 3, s, s)`` through Inception-v3 as torch-fidelity downloads it.

    Raises:
        DataError: if package or weights cannot be had.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            metric = FrechetInceptionDistance(feature=2048)
            for covers, is_real in ((real, True), (painted, False)):
                for batch in torch.split(torch.from_numpy(np.ascontiguousarray(covers)), 50):
                    metric.update(batch, real=is_real)
            return float(metric.compute())
    except (ImportError, OSError, RuntimeError) as error:
        raise DataError(
            "FID through Inception-v3 was not measured: its package or weights cannot be had here "
            f"({str(error).splitlines()[0]}). With internet: pip install torch-fidelity, and run again."
        ) from error

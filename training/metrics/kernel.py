"""Kernel distance between two sets of features, as in KID (Binkowski et al. 2018, https://arxiv.org/abs/1801.01401)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.image.kid import poly_mmd

SUBSETS, SUBSET_SIZE = 100, 500


def kernel_distance(
    real: NDArray[np.float64], painted: NDArray[np.float64], *, seed: int, subsets: int = SUBSETS
) -> tuple[float, float]:
    """Unbiased squared MMD with the kernel ``(x.y / d + 1)^3``: mean and deviation over random subsets.

    Args:
        real, painted: shapes ``(n, d)`` and ``(m, d)``.
        seed: of the subsets.
    """
    size = min(SUBSET_SIZE, len(real) // 2, len(painted) // 2)
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(subsets):
        one, other = (torch.from_numpy(rng.permutation(side)[:size]) for side in (real, painted))
        found.append(float(poly_mmd(one, other)))
    return float(np.mean(found)), float(np.std(found))

"""Softmax regression on a kernel, with the labels' own geometry; everything convex, in float64.

A prediction is ``softmax(K a M + b)``: ``K`` holds kernel values between pictures, ``a`` is learnt and ``M``
(8 x 8) says which directions among the emotions are cheap to move along. With ``M`` from the covariance of the
training labels, what people's votes vary in anyhow (pleasant or unpleasant, above all) needs less evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

Matrix = NDArray[np.float64]
SMOOTHING = 0.03
"""Added to shares before a logarithm: half a vote of about fourteen."""


@dataclass(frozen=True)
class Fit:
    """A fitted regression: ``logits = K @ memory + leaning``.

    Attributes:
        memory: shape ``(m, classes)``, for m pictures learnt from.
        leaning: shape ``(classes,)``.
    """

    memory: Matrix
    leaning: Matrix

    def logits(self, kernel: Matrix) -> Matrix:
        """``kernel``: between pictures asked and pictures learnt from, shape ``(n, m)``."""
        logits: Matrix = kernel @ self.memory + self.leaning
        return logits


def squared_distances(left: Matrix, right: Matrix) -> Matrix:
    """Squared Euclidean distances between rows, shape ``(len(left), len(right))``."""
    distances = (left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T
    positive: Matrix = np.maximum(distances, 0.0)
    return positive


def rational_quadratic(squared: Matrix) -> Matrix:
    """``1 / (1 + squared distance)``: Gaussian kernels of all widths in one (Rasmussen & Williams 2006)."""
    kernel: Matrix = 1 / (1 + squared)
    return kernel


def label_geometry(shares: Matrix, strength: float) -> Matrix:
    """A symmetric matrix that is large along directions in which log shares vary among pictures.

    Args:
        shares: shape ``(n, classes)``.
        strength: power of the covariance; 0 makes all directions equal (but for the constant one, which a
            softmax does not see).

    Returns:
        shape ``(classes, classes)``; the mean of its eigenvalues but the constant direction's is one.
    """
    logs = np.log(shares + SMOOTHING)
    logs -= logs.mean(1, keepdims=True)
    logs -= logs.mean(0)
    values, vectors = np.linalg.eigh(logs.T @ logs / len(logs))
    values = np.maximum(values, 1e-9) ** strength
    # Rows of log shares were centred, so the smallest eigenvalue belongs to the constant direction.
    values[0] = 0.0
    values /= values[1:].mean()
    matrix: Matrix = (vectors * values) @ vectors.T
    return matrix


@dataclass(frozen=True)
class Basis:
    """A kernel as features: ``features @ features.T`` is the kernel, ``back`` leads from weights to memory."""

    features: Matrix
    back: Matrix


def decompose(kernel: Matrix) -> Basis:
    """Factor a symmetric, positive semidefinite kernel, shape ``(m, m)``; the slow part of many fits on it."""
    values, vectors = np.linalg.eigh(kernel)
    kept = values > values.max() * 1e-7
    roots = np.sqrt(values[kept])
    return Basis(vectors[:, kept] * roots, vectors[:, kept] / roots)


def fit(kernel: Matrix | Basis, shares: Matrix, ridge: float, geometry: Matrix, *, steps: int = 80) -> Fit:
    """Minimise mean cross-entropy with the shares plus ``ridge`` times the squared norm of the function.

    Args:
        kernel: symmetric and positive semidefinite, shape ``(m, m)``, or decomposed.
        shares: shape ``(m, classes)``.
        geometry: what :func:`label_geometry` gave, or the identity.
        steps: of L-BFGS at most.
    """
    basis = kernel if isinstance(kernel, Basis) else decompose(kernel)
    features = basis.features
    count, rank = features.shape
    classes = shares.shape[1]

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        weights, leaning = flat[: rank * classes].reshape(rank, classes), flat[rank * classes :]
        logs = log_softmax(features @ weights @ geometry + leaning, axis=1)
        rest = (np.exp(logs) * shares.sum(1, keepdims=True) - shares) / count
        slope = features.T @ rest @ geometry.T + 2 * ridge * weights
        value = -(shares * logs).sum() / count + ridge * (weights**2).sum()
        return float(value), np.concatenate([slope.ravel(), rest.sum(0)])

    start = np.concatenate([np.zeros(rank * classes), np.log(shares.mean(0) + 1e-9)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": steps}).x
    weights = found[: rank * classes].reshape(rank, classes) @ geometry
    return Fit(basis.back @ weights, found[rank * classes :])


def fit_temperature(logits: Matrix, shares: Matrix) -> float:
    """The temperature that divides logits so that their softmax is nearest to the shares (KL), 0.2 to 5."""
    grid = np.geomspace(0.2, 5.0, 81)
    losses = [-(shares * log_softmax(logits / t, axis=1)).sum() for t in grid]
    return float(grid[int(np.argmin(losses))])

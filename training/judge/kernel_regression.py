"""Kernel ridge and kernel multinomial regression; everything convex, in float64.

A multinomial prediction is ``softmax(K a M + b)``: ``K`` holds kernel values between pictures, ``a`` is fitted
and ``M`` (8 x 8) makes those directions among the emotions cheap in which people's votes vary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import minimize
from scipy.special import log_softmax

Matrix = NDArray[np.float64]
SMOOTHING = 0.03
"""Added to shares before a logarithm: half a vote of about fourteen."""


def squared_distances(left: Matrix, right: Matrix) -> Matrix:
    """Squared Euclidean distances between rows, shape ``(len(left), len(right))``."""
    distances = (left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T
    positive: Matrix = np.maximum(distances, 0.0)
    return positive


def rational_quadratic(squared: Matrix) -> Matrix:
    """``1 / (1 + squared distance)``: Gaussian kernels of all widths in one (Rasmussen & Williams 2006)."""
    kernel: Matrix = 1 / (1 + squared)
    return kernel


def label_geometry(shares: Matrix) -> Matrix:
    """A symmetric matrix that is large along directions in which log shares, ``(n, classes)``, vary.

    Returns:
        shape ``(classes, classes)``; the mean of its eigenvalues but the constant direction's is one.
    """
    logs = np.log(shares + SMOOTHING)
    logs -= logs.mean(1, keepdims=True)
    logs -= logs.mean(0)
    values, vectors = np.linalg.eigh(logs.T @ logs / len(logs))
    values = np.maximum(values, 1e-9)
    # Rows of log shares were centred, so the smallest eigenvalue belongs to the constant direction.
    values[0] = 0.0
    values /= values[1:].mean()
    matrix: Matrix = (vectors * values) @ vectors.T
    return matrix


def decompose(kernel: Matrix) -> Matrix:
    """Factor a positive semidefinite kernel, shape ``(m, m)``: lower triangular, the kernel is ``L @ L.T``."""
    jitter = 1e-7 * float(np.diag(kernel).mean())
    factor = np.linalg.cholesky(kernel + jitter * np.eye(len(kernel)))
    return np.asarray(factor, np.float64)


@dataclass(frozen=True)
class Fit:
    """A fitted regression: ``logits = K @ weights + bias``, shapes ``(m, classes)`` and ``(classes,)``."""

    weights: Matrix
    bias: Matrix

    def logits(self, kernel: Matrix) -> Matrix:
        """``kernel``: between pictures asked about and pictures learnt from, shape ``(n, m)``."""
        logits: Matrix = kernel @ self.weights + self.bias
        return logits


def fit_multinomial(factor: Matrix, shares: Matrix, ridge: float, geometry: Matrix, **more: Any) -> Fit:
    """Kernel multinomial regression: as :func:`fit_features`, with weights of pictures.

    Args:
        factor: of the kernel, see :func:`decompose`, shape ``(m, m)``.
    """
    found = fit_features(factor, shares, ridge, geometry, **more)
    return Fit(solve_triangular(factor, found.weights, lower=True, trans="T"), found.bias)


def fit_features(
    features: Matrix,
    shares: Matrix,
    ridge: float,
    geometry: Matrix,
    *,
    importance: Matrix | None = None,
    offset: Matrix | float = 0.0,
    steps: int = 60,
) -> Fit:
    """Minimise mean cross-entropy with the shares plus ``ridge`` times the squared norm of the weights.

    Args:
        features: shape ``(m, d)``.
        shares: shape ``(m, classes)``.
        geometry: what :func:`label_geometry` gave, or the identity.
        importance: weight of each picture, shape ``(m,)``; default: all the same.
        offset: logits that the function is added to, shape ``(m, classes)``.
        steps: of L-BFGS at most.

    Returns:
        weights of features, shape ``(d, classes)``, with the geometry multiplied in, and biases.
    """
    classes = shares.shape[1]
    each = np.ones(len(shares)) if importance is None else importance
    target = shares * (each / each.sum())[:, None]
    mass, size = target.sum(1, keepdims=True), features.shape[1] * classes

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        weights, bias = flat[:size].reshape(-1, classes), flat[size:]
        logs = log_softmax(features @ weights @ geometry + bias + offset, axis=1)
        rest = np.exp(logs) * mass - target
        slope = features.T @ rest @ geometry.T + 2 * ridge * weights
        return float(ridge * (weights**2).sum() - (target * logs).sum()), np.append(slope, rest.sum(0))

    start = np.zeros(size + classes)
    if np.ndim(offset) == 0:
        start[size:] = np.log(target.sum(0) / target.sum() + 1e-9)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": steps}).x
    return Fit(found[:size].reshape(-1, classes) @ geometry, found[size:])


def fit_ridge(kernel: Matrix, targets: Matrix, ridge: float) -> Fit:
    """Kernel ridge regression of several targets, each on the pictures where it is known; 0 where it never is.

    Args:
        kernel: shape ``(m, m)``.
        targets: shape ``(m, k)``, NaN where unknown.
        ridge: as a multiple of the kernel's mean diagonal.
    """
    weights, bias = np.zeros(targets.shape), np.zeros(targets.shape[1])
    for pattern in np.unique(np.isfinite(targets), axis=1).T:
        known = np.flatnonzero(pattern)
        if not len(known):
            continue
        columns = np.flatnonzero((np.isfinite(targets) == pattern[:, None]).all(0))
        inner, wanted = kernel[np.ix_(known, known)], targets[np.ix_(known, columns)]
        bias[columns] = wanted.mean(0)
        damped = inner + ridge * np.trace(inner) / len(known) * np.eye(len(known))
        weights[np.ix_(known, columns)] = np.linalg.solve(damped, wanted - bias[columns])
    return Fit(weights, bias)

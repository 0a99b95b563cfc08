"""Softmax regression on kernels, against scikit-learn and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.gaussian_process.kernels import RationalQuadratic
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel

from training.judge.kernel_regression import (
    decompose,
    fit_multinomial,
    fit_ridge,
    label_geometry,
    rational_quadratic,
    squared_distances,
)

CHANCE = np.random.default_rng(3)
POINTS = CHANCE.normal(size=(40, 5))
SHARES = CHANCE.dirichlet(np.ones(3), 40)


def test_distances_and_kernel_are_scikit_learns() -> None:
    ours = np.exp(-0.3 * squared_distances(POINTS, POINTS[:7]))
    np.testing.assert_allclose(ours, rbf_kernel(POINTS, POINTS[:7], gamma=0.3), atol=1e-12)
    left, right = np.random.default_rng(3).normal(size=(2, 6, 4))
    theirs = RationalQuadratic(length_scale=0.5**0.5, alpha=1.0)(left, right)
    np.testing.assert_allclose(rational_quadratic(squared_distances(left, right)), theirs)


def test_with_single_labels_and_a_linear_kernel_it_is_logistic_regression() -> None:
    labels = SHARES.argmax(1)
    ridge = 0.02
    found = fit_multinomial(decompose(POINTS @ POINTS.T), np.eye(3)[labels], ridge, np.eye(3), steps=500)
    # scikit-learn sums the loss and halves the penalty.
    reference = LogisticRegression(C=1 / (2 * ridge * len(POINTS)), tol=1e-8, max_iter=2000)
    reference.fit(POINTS, labels)
    ours = softmax(found.logits(POINTS @ POINTS.T), axis=1)
    np.testing.assert_allclose(ours, reference.predict_proba(POINTS), atol=2e-3)


def test_without_evidence_it_says_the_mean() -> None:
    found = fit_multinomial(decompose(np.eye(40) * 1e-9), SHARES, 1.0, np.eye(3))
    predicted = softmax(found.logits(np.zeros((1, 40))), axis=1)[0]
    assert predicted == pytest.approx(SHARES.mean(0), abs=1e-3)


def test_the_geometry_follows_what_votes_vary_in() -> None:
    along = np.array([1.0, 1.0, -1.0, -1.0]) / 2
    shares = softmax(CHANCE.normal(size=(500, 1)) * along * 2 + CHANCE.normal(size=(500, 4)) * 0.1, axis=1)
    geometry = label_geometry(shares)
    values, vectors = np.linalg.eigh(geometry)
    assert abs(vectors[:, -1] @ along) > 0.99
    assert geometry @ np.ones(4) == pytest.approx(0, abs=1e-6)
    assert values[1:].mean() == pytest.approx(1)


def test_importance_is_like_repetition_and_an_offset_is_added() -> None:
    kernel, counts = rbf_kernel(POINTS), np.arange(40) % 3
    repeated = np.repeat(np.arange(40), counts)
    doubled = kernel[np.ix_(repeated, repeated)]
    importance = counts.astype(float)
    weighted = fit_multinomial(decompose(kernel), SHARES, 1e-2, np.eye(3), importance=importance, steps=500)
    plain = fit_multinomial(decompose(doubled), SHARES[repeated], 1e-2, np.eye(3), steps=500)
    np.testing.assert_allclose(weighted.logits(kernel), plain.logits(kernel[:, repeated]), atol=2e-3)
    offset = np.log(SHARES)
    rest = fit_multinomial(decompose(kernel), SHARES, 1e-2, np.eye(3), offset=offset)
    assert np.ptp(rest.logits(kernel), axis=1) == pytest.approx(0, abs=1e-4)


def test_ridge_regressions_are_scikit_learns_on_what_is_known() -> None:
    kernel, targets = rbf_kernel(POINTS), np.random.default_rng(1).normal(size=(40, 3))
    targets[:15, 1], targets[:, 2] = np.nan, np.nan
    found = fit_ridge(kernel, targets, 0.2).logits(kernel)
    for column, rows in ((0, slice(None)), (1, slice(15, None))):
        wanted = targets[rows, column]
        reference = KernelRidge(alpha=0.2, kernel="rbf").fit(POINTS[rows], wanted - wanted.mean())
        np.testing.assert_allclose(found[:, column], reference.predict(POINTS) + wanted.mean())
    assert not found[:, 2].any()

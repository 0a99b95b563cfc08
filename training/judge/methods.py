"""What the benchmark compares: the jury, the recipe of 2019, a linear layer on one VGG16, and not looking at all.

A method takes rows of pictures to train on and to test on and returns predicted shares, shape ``(k, tests, 8)``:
k is 1, or that of a jury and its jurors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from training.judge.features import means_and_maxima
from training.judge.jurors import JuryConfig, fit_jury
from training.judge.kernel_regression import Matrix, decompose, fit_multinomial
from training.judge.pictures import Pictures

Rows = NDArray[np.int64]
Method = Callable[[Rows, Rows], Matrix]
RIDGES = (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
INNER_FOLDS = 5


def probe(train: Matrix, test: Matrix, shares: Matrix, ridge: float) -> Matrix:
    """A linear softmax on standardised features, shapes ``(m, d)`` and ``(n, d)``: shares, ``(n, 8)``."""
    centre, spread = train.mean(0), (train.std(0) + 1e-3) * (train.shape[1] / 5) ** 0.5
    few, others = (train - centre) / spread, (test - centre) / spread
    found = fit_multinomial(decompose(few @ few.T), shares, ridge, np.eye(shares.shape[1]))
    predicted: Matrix = softmax(found.logits(others @ few.T), axis=1)
    return predicted


def linear_probe(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """The same with the ridge whose cross-entropy is smallest in five folds of the paintings learnt from."""
    places = np.arange(len(train)) % INNER_FOLDS

    def loss(ridge: float) -> float:
        total = 0.0
        for fold in range(INNER_FOLDS):
            inside, outside = places != fold, places == fold
            predicted = probe(train[inside], train[outside], shares[inside], ridge)
            total -= float((shares[outside] * np.log(predicted + 1e-6)).sum())
        return total

    with threadpool_limits(limits=1, user_api="blas"):
        return probe(train, test, shares, min(RIDGES, key=loss))


def methods(pictures: Pictures, config: JuryConfig, seed_recipe: Method | None) -> dict[str, Method]:
    """All methods by row id; other paintings are learnt from by the jury alone."""
    features, shares = means_and_maxima(pictures.raw[0]), pictures.shares
    found: dict[str, Method] = {
        "mean_prediction": lambda train, test: np.tile(shares[train].mean(0), (1, len(test), 1)),
        "linear_probe": lambda train, test: linear_probe(features[train], features[test], shares[train])[
            None
        ],
    }
    if seed_recipe:
        found["seed_recipe"] = seed_recipe
    found["jury"] = lambda train, test: fit_jury(pictures, train, config).predict(pictures, test)
    return found

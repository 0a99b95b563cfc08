"""Other ways to predict votes, for comparison.

Every function takes ``train`` and ``test``, features of shapes ``(m, d)`` and ``(n, d)``, and ``shares`` of
the former, ``(m, 8)``; it returns predicted shares, ``(n, 8)``. What it has to choose, it chooses
by five-fold cross-validation among the paintings it learns from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.neighbors import NearestNeighbors

from training.judge.kernel_regression import Matrix, decompose, fit_multinomial

NEIGHBOURS = (3, 5, 10, 20, 40)
RIDGES = (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
INNER_FOLDS = 5


def always_the_mean(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """The mean of the shares."""
    return np.tile(shares.mean(0), (len(test), 1))


def majority(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """All on the emotion that most often comes first."""
    most = np.bincount(shares.argmax(1), minlength=shares.shape[1]).argmax()
    return np.tile(np.eye(shares.shape[1])[most], (len(test), 1))


def nearest_neighbours(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """AA-kNN (Geng 2016): the mean over the k nearest paintings."""

    def predict(few: Matrix, others: Matrix, few_shares: Matrix, k: float) -> Matrix:
        found = NearestNeighbors(n_neighbors=int(k)).fit(few).kneighbors(others, return_distance=False)
        mean: Matrix = few_shares[found].mean(1)
        return mean

    smallest = len(train) * (INNER_FOLDS - 1) // INNER_FOLDS
    options = [k for k in NEIGHBOURS if k <= smallest] or [1]
    return predict(*standardise(train, test), shares, choose(predict, train, shares, options))


def sa_bfgs(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """SA-BFGS (Geng 2016): a maximum entropy model fitted by BFGS without any restraint.

    Here by the limited-memory variant, as the full one keeps a matrix of (8 d)^2 numbers.
    """
    few, others = standardise(train, test)
    features = np.column_stack([few, np.ones(len(few))])

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        logs = log_softmax(features @ flat.reshape(features.shape[1], -1), axis=1)
        slope = features.T @ (np.exp(logs) * shares.sum(1, keepdims=True) - shares)
        return float(-(shares * logs).sum()), slope.ravel()

    start = np.zeros(features.shape[1] * shares.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    weights = found.reshape(features.shape[1], -1)
    predicted: Matrix = softmax(np.column_stack([others, np.ones(len(others))]) @ weights, axis=1)
    return predicted


def linear_probe(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """A linear softmax on frozen features, with a ridge."""

    def predict(few: Matrix, others: Matrix, few_shares: Matrix, ridge: float) -> Matrix:
        width = few.shape[1] / 5
        found = fit_multinomial(decompose(few @ few.T / width), few_shares, ridge, np.eye(shares.shape[1]))
        predicted: Matrix = softmax(found.logits(others @ few.T / width), axis=1)
        return predicted

    return predict(*standardise(train, test), shares, choose(predict, train, shares, RIDGES))


def standardise(train: Matrix, test: Matrix) -> tuple[Matrix, Matrix]:
    """Zero mean and unit spread over the paintings train from."""
    centre, spread = train.mean(0), train.std(0) + 1e-3
    return (train - centre) / spread, (test - centre) / spread


def choose(
    predict: Callable[[Matrix, Matrix, Matrix, float], Matrix],
    train: Matrix,
    shares: Matrix,
    options: Sequence[float],
) -> float:
    """The option with the smallest cross-entropy in five folds of the paintings train from."""
    places = np.arange(len(train)) % INNER_FOLDS
    losses = np.zeros(len(options))
    for fold in range(INNER_FOLDS):
        inside, outside = places != fold, places == fold
        few, others = standardise(train[inside], train[outside])
        for number, option in enumerate(options):
            predicted = predict(few, others, shares[inside], option)
            losses[number] -= (shares[outside] * np.log(predicted + 1e-6)).sum()
    return options[int(losses.argmin())]

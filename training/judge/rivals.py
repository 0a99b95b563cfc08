"""Other ways to predict votes, for comparison: each learns from some paintings and is asked about others.

Every function takes ``learnt`` and ``asked``, features of shapes ``(m, d)`` and ``(n, d)``, and ``shares``,
what is to be learnt, ``(m, 8)``; it returns predicted shares, ``(n, 8)``. What it has to choose, it chooses
by five-fold cross-validation among the paintings it learns from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.neighbors import NearestNeighbors

from training.judge.kernel_regression import Matrix, fit

NEIGHBOURS = (3, 5, 10, 20, 40)
RIDGES = (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
INNER_FOLDS = 5


def always_the_mean(learnt: Matrix, asked: Matrix, shares: Matrix) -> Matrix:
    """The mean of the shares."""
    return np.tile(shares.mean(0), (len(asked), 1))


def majority(learnt: Matrix, asked: Matrix, shares: Matrix) -> Matrix:
    """All on the emotion that most often comes first."""
    most = np.bincount(shares.argmax(1), minlength=shares.shape[1]).argmax()
    return np.tile(np.eye(shares.shape[1])[most], (len(asked), 1))


def nearest_neighbours(learnt: Matrix, asked: Matrix, shares: Matrix) -> Matrix:
    """AA-kNN (Geng 2016): the mean over the k nearest paintings."""

    def predict(few: Matrix, others: Matrix, few_shares: Matrix, k: float) -> Matrix:
        found = NearestNeighbors(n_neighbors=int(k)).fit(few).kneighbors(others, return_distance=False)
        mean: Matrix = few_shares[found].mean(1)
        return mean

    smallest = len(learnt) * (INNER_FOLDS - 1) // INNER_FOLDS
    options = [k for k in NEIGHBOURS if k <= smallest] or [1]
    return predict(*standardise(learnt, asked), shares, choose(predict, learnt, shares, options))


def sa_bfgs(learnt: Matrix, asked: Matrix, shares: Matrix) -> Matrix:
    """SA-BFGS (Geng 2016): a maximum entropy model fitted by BFGS without any restraint.

    Here by the limited-memory variant, as the full one keeps a matrix of (8 d)^2 numbers.
    """
    few, others = standardise(learnt, asked)
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


def linear_probe(learnt: Matrix, asked: Matrix, shares: Matrix) -> Matrix:
    """A linear softmax on frozen features, with a ridge."""

    def predict(few: Matrix, others: Matrix, few_shares: Matrix, ridge: float) -> Matrix:
        width = few.shape[1] / 5
        found = fit(few @ few.T / width, few_shares, ridge, np.eye(shares.shape[1]), steps=60)
        predicted: Matrix = softmax(found.logits(others @ few.T / width), axis=1)
        return predicted

    return predict(*standardise(learnt, asked), shares, choose(predict, learnt, shares, RIDGES))


def standardise(learnt: Matrix, asked: Matrix) -> tuple[Matrix, Matrix]:
    """Zero mean and unit spread over the paintings learnt from."""
    centre, spread = learnt.mean(0), learnt.std(0) + 1e-3
    return (learnt - centre) / spread, (asked - centre) / spread


def choose(
    predict: Callable[[Matrix, Matrix, Matrix, float], Matrix],
    learnt: Matrix,
    shares: Matrix,
    options: Sequence[float],
) -> float:
    """The option with the smallest cross-entropy in five folds of the paintings learnt from."""
    places = np.arange(len(learnt)) % INNER_FOLDS
    losses = np.zeros(len(options))
    for fold in range(INNER_FOLDS):
        inside, outside = places != fold, places == fold
        few, others = standardise(learnt[inside], learnt[outside])
        for number, option in enumerate(options):
            predicted = predict(few, others, shares[inside], option)
            losses[number] -= (shares[outside] * np.log(predicted + 1e-6)).sum()
    return options[int(losses.argmin())]

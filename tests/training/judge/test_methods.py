"""Rivals: what each must do on data where the answer is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import softmax

from training.judge import methods
from training.judge.kernel_regression import Matrix

CHANCE = np.random.default_rng(8)
TRAIN, TEST = CHANCE.normal(size=(80, 6)), CHANCE.normal(size=(30, 6))
TURN = CHANCE.normal(size=(6, 8))
SHARES, TRUE = softmax(TRAIN @ TURN, axis=1), softmax(TEST @ TURN, axis=1)


def cross_entropy(predicted: Matrix) -> float:
    return float(-(TRUE * np.log(predicted + 1e-9)).sum(1).mean())


@pytest.mark.parametrize("method", [methods.nearest_neighbours, methods.sa_bfgs, methods.linear_probe])
def test_looking_helps(method: Callable[[Matrix, Matrix, Matrix], Matrix]) -> None:
    predicted = method(TRAIN, TEST, SHARES)
    assert predicted.shape == (30, 8) and predicted.sum(1) == pytest.approx(1)
    assert cross_entropy(predicted) < cross_entropy(methods.always_the_mean(TRAIN, TEST, SHARES))


def test_without_restraint_an_exact_model_is_found() -> None:
    np.testing.assert_allclose(methods.sa_bfgs(TRAIN, TEST, SHARES), TRUE, atol=0.02)


def test_the_mean_and_the_majority_do_not_look() -> None:
    assert methods.always_the_mean(TRAIN, TEST, SHARES)[4] == pytest.approx(SHARES.mean(0))
    most = np.bincount(SHARES.argmax(1)).argmax()
    assert (methods.majority(TRAIN, TEST, SHARES).argmax(1) == most).all()


def test_a_neighbour_that_is_the_same_picture_is_copied() -> None:
    copies = np.repeat(TRAIN[:5], 3, axis=0) + CHANCE.normal(size=(15, 6)) * 1e-6
    predicted = methods.nearest_neighbours(copies, TRAIN[:5], np.repeat(SHARES[:5], 3, axis=0))
    np.testing.assert_allclose(predicted, SHARES[:5], atol=1e-9)

"""Other methods: what each must do on data where the answer is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import softmax

from training.judge import rivals
from training.judge.kernel_regression import Matrix

CHANCE = np.random.default_rng(8)
LEARNT, ASKED = CHANCE.normal(size=(80, 6)), CHANCE.normal(size=(30, 6))
TURN = CHANCE.normal(size=(6, 8))
SHARES, TRUE = softmax(LEARNT @ TURN, axis=1), softmax(ASKED @ TURN, axis=1)


def surprise(predicted: Matrix) -> float:
    return float(-(TRUE * np.log(predicted + 1e-9)).sum(1).mean())


@pytest.mark.parametrize("rival", [rivals.nearest_neighbours, rivals.sa_bfgs, rivals.linear_probe])
def test_looking_helps(rival: Callable[[Matrix, Matrix, Matrix], Matrix]) -> None:
    predicted = rival(LEARNT, ASKED, SHARES)
    assert predicted.shape == (30, 8) and predicted.sum(1) == pytest.approx(1)
    assert surprise(predicted) < surprise(rivals.always_the_mean(LEARNT, ASKED, SHARES))


def test_without_restraint_an_exact_model_is_found() -> None:
    np.testing.assert_allclose(rivals.sa_bfgs(LEARNT, ASKED, SHARES), TRUE, atol=0.02)


def test_the_mean_and_the_majority_do_not_look() -> None:
    assert rivals.always_the_mean(LEARNT, ASKED, SHARES)[4] == pytest.approx(SHARES.mean(0))
    most = np.bincount(SHARES.argmax(1)).argmax()
    assert (rivals.majority(LEARNT, ASKED, SHARES).argmax(1) == most).all()


def test_a_neighbour_that_is_the_same_picture_is_copied() -> None:
    copies = np.repeat(LEARNT[:5], 3, axis=0) + CHANCE.normal(size=(15, 6)) * 1e-6
    predicted = rivals.nearest_neighbours(copies, LEARNT[:5], np.repeat(SHARES[:5], 3, axis=0))
    np.testing.assert_allclose(predicted, SHARES[:5], atol=1e-9)


def test_the_option_with_the_smallest_loss_is_chosen() -> None:
    def predict(few: Matrix, others: Matrix, few_shares: Matrix, option: float) -> Matrix:
        mean = np.tile(few_shares.mean(0), (len(others), 1))
        predicted: Matrix = softmax(option * np.log(mean), axis=1)
        return predicted

    assert rivals.choose(predict, LEARNT, SHARES, (0.0, 1.0, 5.0)) == 1.0

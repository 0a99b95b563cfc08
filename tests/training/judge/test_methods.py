"""The linear probe on data where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from training.judge.kernel_regression import Matrix
from training.judge.methods import linear_probe

CHANCE = np.random.default_rng(8)
TRAIN, TEST = CHANCE.normal(size=(80, 6)), CHANCE.normal(size=(30, 6))
TURN = CHANCE.normal(size=(6, 8))
SHARES, TRUE = softmax(TRAIN @ TURN, axis=1), softmax(TEST @ TURN, axis=1)


def cross_entropy(predicted: Matrix) -> float:
    return float(-(TRUE * np.log(predicted + 1e-9)).sum(1).mean())


def test_looking_helps() -> None:
    predicted = linear_probe(TRAIN, TEST, SHARES)
    assert predicted.shape == (30, 8) and predicted.sum(1) == pytest.approx(1)
    assert cross_entropy(predicted) < cross_entropy(SHARES.mean(0))

"""Frechet and kernel distance, precision and recall, neighbours: against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from training.data.covers import DataError
from training.metrics.frechet import frechet_distance
from training.metrics.kernel import kernel_distance
from training.metrics.precision_recall import nearest, precision_recall, share_closer

Features = NDArray[np.float64]


def exactly(count: int, mean: Features, root: Features, seed: int = 0) -> Features:
    """Points whose sample mean is exactly ``mean`` and whose covariance is exactly ``root @ root.T``."""
    points = np.random.default_rng(seed).standard_normal((count, len(mean)))
    white: Features = np.linalg.qr(points - points.mean(0))[0] * np.sqrt(count - 1)
    return white @ root.T + mean


def normal(count: int, size: int = 3, seed: int = 0) -> Features:
    return np.random.default_rng(seed).standard_normal((count, size))


def test_frechet_distance_is_that_of_gaussians() -> None:
    one = exactly(30, np.zeros(4), 3 * np.eye(4))
    other = exactly(25, np.array([1.0, 2.0, 0.0, -2.0]), 0.5 * np.eye(4), seed=1)
    assert frechet_distance(one, other) == pytest.approx(9 + 4 * 2.5**2, rel=1e-9)
    rng = np.random.default_rng(3)
    (m1, m2), (r1, r2) = rng.standard_normal((2, 6)), rng.standard_normal((2, 6, 6))
    s1, s2 = r1 @ r1.T, r2 @ r2.T
    expected = ((m1 - m2) ** 2).sum() + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
    one, other = exactly(40, m1, r1), exactly(50, m2, r2, 1)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-7)
    assert frechet_distance(one, one[::-1]) == pytest.approx(0, abs=1e-6)


def test_too_few_covers_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="over 6 features needs more than 6 covers on each side, not 6"):
        frechet_distance(normal(6, 6), normal(9, 6))
    with pytest.raises(DataError, match="more than 6 covers on each side"):
        precision_recall(normal(20), normal(6))
    precision_recall(normal(20), normal(7))
    assert capsys.readouterr().out == ""


def test_kernel_distance_of_two_points() -> None:
    """All of one set at x, all of the other at y: k(x, x) + k(y, y) - 2 k(x, y)."""
    x, y = np.array([1.0, 0.0, 2.0]), np.array([-1.0, 1.0, 0.5])
    mean, deviation = kernel_distance(np.tile(x, (10, 1)), np.tile(y, (12, 1)), seed=0)
    kernel = {"xx": (5 / 3 + 1) ** 3, "yy": (2.25 / 3 + 1) ** 3, "xy": (0 / 3 + 1) ** 3}
    assert mean == pytest.approx(kernel["xx"] + kernel["yy"] - 2 * kernel["xy"], rel=1e-12)
    assert deviation == pytest.approx(0, abs=1e-12)


def test_kernel_distance_is_unbiased_and_drawn_from_its_seed_alone() -> None:
    one, like, unlike = normal(400, 5), normal(400, 5, 1), normal(400, 5, 2) + 0.5
    floor, deviation = kernel_distance(one, like, seed=0)
    assert abs(floor) < 2 * deviation
    assert kernel_distance(one, unlike, seed=0)[0] > 10 * deviation
    assert kernel_distance(one, like, seed=0) == (floor, deviation) != kernel_distance(one, like, seed=1)


def test_precision_recall_density_and_coverage_of_known_sets() -> None:
    same, far = normal(200), normal(60, seed=1) + 100
    names = ("precision", "recall", "density", "coverage")
    assert precision_recall(same, same.copy()) == pytest.approx(dict.fromkeys(names, 1))
    assert precision_recall(same, far) == dict.fromkeys(names, 0)
    two_modes = np.concatenate([same, same + 1000])
    half = precision_recall(two_modes, same.copy())
    assert half == pytest.approx({"precision": 1, "recall": 0.5, "density": 1, "coverage": 0.5})
    collapsed = precision_recall(same, same[:1] + 1e-6 * normal(200, seed=1))
    assert collapsed["precision"] == 1 and collapsed["recall"] < 0.02 and collapsed["coverage"] < 0.1
    found = precision_recall(normal(2000), normal(2000, seed=1), k=3)
    assert found["density"] == pytest.approx(1, abs=0.05)
    assert found["coverage"] == pytest.approx(1 - 2**-3, abs=0.03)


def test_neighbours_are_sorted_and_copies_are_closer_than_usual() -> None:
    among = np.array([[0.0], [10.0], [11.0], [30.0]])
    distances, places = nearest(np.array([[10.4], [28.0]]), among, 2)
    assert places.tolist() == [[1, 2], [3, 2]]
    assert distances == pytest.approx(np.array([[0.4, 0.6], [2.0, 17.0]]))
    usual = np.linspace(1, 2, 101)
    assert share_closer(usual, usual, 0.1) == pytest.approx(0.1, abs=0.01)
    assert share_closer(np.full(5, 0.5), usual, 0.01) == 1
    assert share_closer(usual + 5, usual, 0.01) == 0

"""Precision, recall, density, coverage and nearest neighbours, against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.covers import DataError
from training.metrics.precision_recall import Overlap, closer_than, nearest, overlap


def cloud(count: int, size: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, size))


def test_a_cloud_overlaps_itself_wholly() -> None:
    """A point lies in its own ball and in those whose k - 1 nearest it is one of: density is exactly one."""
    same = cloud(200)
    assert overlap(same, same.copy()) == Overlap(1, 1, 1, 1)


def test_clouds_far_apart_do_not_overlap() -> None:
    assert overlap(cloud(50), cloud(60, seed=1) + 100) == Overlap(0, 0, 0, 0)


def test_more_of_the_same_has_the_expected_density_and_coverage() -> None:
    """Naeem et al. 2020, section 3.3: density 1 and, for equally many points, coverage 1 - 2^-k."""
    found = overlap(cloud(2000), cloud(2000, seed=1), k=3)
    assert found.density == pytest.approx(1, abs=0.05)
    assert found.coverage == pytest.approx(1 - 2**-3, abs=0.03)


def test_a_collapsed_cloud_is_precise_and_recalls_little() -> None:
    real = cloud(300)
    found = overlap(real, real[:1] + 1e-6 * cloud(300, seed=1))
    assert found.precision == 1 and found.recall < 0.01
    assert found.coverage < 0.1


def test_noise_around_half_of_the_modes_is_counted_by_hand() -> None:
    """Two real clumps, the others sit in one: all precise, half covered."""
    clump = cloud(40, seed=2)
    real = np.concatenate([clump, clump + 1000])
    found = overlap(real, clump.copy())
    assert found == Overlap(1, 0.5, 1, 0.5)


def test_overlap_is_what_its_formulas_say() -> None:
    real, other, k = cloud(30), cloud(25, seed=1) + 0.4, 4

    def apart(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.linalg.norm(a - b))

    reach_real = [sorted(apart(a, b) for b in real)[k] for a in real]
    reach_other = [sorted(apart(a, b) for b in other)[k] for a in other]
    inside = [[apart(r, o) < reach_real[i] for o in other] for i, r in enumerate(real)]
    inside_other = [[apart(r, o) < reach_other[j] for j, o in enumerate(other)] for r in real]
    found = overlap(real, other, k)
    assert found.precision == pytest.approx(np.mean([any(col) for col in zip(*inside, strict=True)]))
    assert found.recall == pytest.approx(np.mean([any(row) for row in inside_other]))
    assert found.density == pytest.approx(np.sum(inside) / (k * len(other)))
    assert found.coverage == pytest.approx(np.mean([any(row) for row in inside]))


def test_balls_of_too_few_points_are_refused() -> None:
    with pytest.raises(DataError, match="more than 5 covers on each side"):
        overlap(cloud(20), cloud(5))


def test_the_nearest_are_found_and_sorted() -> None:
    among = np.array([[0.0], [10.0], [11.0], [30.0]])
    distances, places = nearest(np.array([[10.4], [28.0]]), among, 2)
    assert places.tolist() == [[1, 2], [3, 2]]
    assert distances == pytest.approx(np.array([[0.4, 0.6], [2.0, 17.0]]))


def test_long_clouds_are_searched_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.metrics.precision_recall._ROWS", 7)
    few, among = cloud(20), cloud(50, seed=1)
    distances, places = nearest(few, among)
    brute = np.linalg.norm(few[:, None] - among[None], axis=2)
    assert places[:, 0].tolist() == brute.argmin(1).tolist()
    np.testing.assert_allclose(distances[:, 0], brute.min(1))


def test_who_copies_is_closer_than_usual() -> None:
    usual = np.linspace(1, 2, 101)
    assert closer_than(usual, usual, 0.1) == pytest.approx(0.1, abs=0.01)
    assert closer_than(np.full(5, 0.5), usual, 0.01) == 1
    assert closer_than(usual + 5, usual, 0.01) == 0

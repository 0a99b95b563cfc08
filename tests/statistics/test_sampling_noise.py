"""The distance of crowds from verdicts, against scipy, and the noise of small crowds, against theory."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2

from albumjudge.statistics.intervals import jensen_shannon, shares, simulated_counts

COUNTS = st.lists(st.integers(0, 20), min_size=8, max_size=8).filter(any)


@given(COUNTS, COUNTS)
def test_the_distance_is_the_square_of_scipys(first: list[int], second: list[int]) -> None:
    one, other = (shares(np.array(counts)) for counts in (first, second))
    ours = float(jensen_shannon(one, other))
    assert ours == pytest.approx(jensenshannon(one, other) ** 2, abs=1e-9)
    assert 0 <= ours <= math.log(2) + 1e-12
    np.testing.assert_array_equal(shares(np.array([[0, 0], [1, 3]])), [[0, 0], [0.25, 0.75]])


def test_imagined_crowds_have_the_size_and_the_leaning_they_should() -> None:
    verdicts = np.array([[0.5, 0.3, 0.2], [0.0, 0.1, 0.9]])
    counts = simulated_counts(np.array([10, 40]), verdicts, draws=2_000)
    assert counts.shape == (2_000, 2, 3)
    np.testing.assert_array_equal(counts.sum(axis=2), np.tile([10, 40], (2_000, 1)))
    np.testing.assert_allclose(counts.mean(axis=0), [[5, 3, 2], [0, 4, 36]], atol=0.2)
    np.testing.assert_array_equal(counts, simulated_counts(np.array([10, 40]), verdicts, draws=2_000))


def test_the_noise_of_large_crowds_is_that_of_theory() -> None:
    # 8 n JS tends to chi squared with k - 1 degrees of freedom (Menendez et al., 1997).
    verdicts = np.array([[0.3, 0.3, 0.2, 0.2]])
    counts = simulated_counts(np.array([2_000]), verdicts, draws=4_000)
    scaled = 8 * 2_000 * jensen_shannon(shares(counts), verdicts)[:, 0]
    assert scaled.mean() == pytest.approx(3, rel=0.05)
    assert float(np.quantile(scaled, 0.95)) == pytest.approx(chi2.ppf(0.95, 3), rel=0.05)

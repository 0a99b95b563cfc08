"""Student's t, against SciPy."""

from __future__ import annotations

import math

import pytest
from scipy.stats import t

from albumjudge.statistics.student import reach


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 7, 9, 14, 29, 100, 1_000])
def test_it_reaches_as_far_as_scipy_says(level: float, freedom: int) -> None:
    assert reach(level, freedom) == pytest.approx(float(t.ppf((1 + level) / 2, freedom)), rel=2e-5)


def test_endless_freedom_is_the_normal_distribution() -> None:
    assert reach(0.95, math.inf) == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize(("level", "freedom"), [(0, 3), (1, 3), (0.95, 0), (0.95, -1)])
def test_what_is_no_distribution_is_refused(level: float, freedom: float) -> None:
    with pytest.raises(ValueError):
        reach(level, freedom)

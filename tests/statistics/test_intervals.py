"""The bootstrap by clusters, against sandwich estimates of other people's making."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t
from statsmodels.regression.linear_model import OLS

from albumjudge.statistics import intervals as resampling
from albumjudge.statistics.intervals import Estimate, Floats, Statistic, cluster_weights, estimates


def mean_of(values: Floats) -> Statistic:
    """The mean, and a number that is never defined."""

    def statistic(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = weights @ values / weights.sum(axis=1)
        return np.stack([mean, np.full(len(weights), np.nan)], axis=1)

    return statistic


def made_up(
    covers: float, visitors: float, noise: float
) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """600 values on 40 covers by 50 visitors, with so much spread from each."""
    chance = np.random.default_rng(3)
    cover, visitor = chance.integers(40, size=600), chance.integers(50, size=600)
    values = (
        chance.normal(0, covers, 40)[cover]
        + chance.normal(0, visitors, 50)[visitor]
        + chance.normal(0, noise, 600)
    )
    return values, cover, visitor


@pytest.mark.parametrize("spreads", [(1, 1, 1), (2, 0.3, 0.5), (0.3, 2, 0.5)])
def test_errors_by_two_ways_and_by_one_are_those_of_statsmodels(spreads: tuple[float, float, float]) -> None:
    values, cover, visitor = made_up(*spreads)
    mean, undefined = estimates(mean_of(values), cover, visitor, repeats=2_000)
    fit = OLS(values, np.ones(len(values))).fit(
        cov_type="cluster",
        cov_kwds={"groups": np.stack([cover, visitor], axis=1), "use_correction": True},
    )
    assert mean.value == pytest.approx(float(values.mean()))
    assert mean.error == pytest.approx(float(fit.bse[0]), rel=0.08)
    assert undefined == Estimate(None, None)
    fit = OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": cover, "use_correction": True}
    )
    one_way = estimates(mean_of(values), cover, repeats=2_000)[0].error
    assert one_way == pytest.approx(float(fit.bse[0]), rel=0.08)


def test_whole_clusters_are_drawn() -> None:
    clusters = np.array([7, 3, 7, 3, 5, 7])
    weights = cluster_weights(clusters, 200, np.random.default_rng(0))
    assert weights.shape == (200, 6)
    for one, other in ((0, 2), (0, 5), (1, 3)):
        np.testing.assert_array_equal(weights[:, one], weights[:, other])
    np.testing.assert_array_equal(weights[:, [0, 1, 4]].sum(axis=1), 3)
    assert weights[:, 0].std() > 0


def test_many_votes_are_drawn_less_often_but_never_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    values, cover, visitor = made_up(1, 1, 1)
    drawn: list[int] = []

    def counted(weights: Floats) -> Floats:
        drawn.append(len(weights))
        return mean_of(values)(weights)

    for at_once, repeats in ((10**6, 400), (600 * 250, 250), (600 * 10, 100)):
        drawn.clear()
        monkeypatch.setattr(resampling, "_AT_ONCE", at_once)
        estimates(counted, cover, visitor)
        assert sum(drawn[1:]) == 3 * repeats


def test_few_clusters_widen_the_interval_and_one_alone_or_none_have_no_error() -> None:
    values, cover, visitor = made_up(1, 1, 1)
    few = visitor % 5
    mean = estimates(mean_of(values), cover, few)[0]
    assert mean.freedom == 4 and estimates(mean_of(values), cover, visitor)[0].freedom == 39
    low, high = mean.interval(-99, 99) or (0.0, 0.0)
    assert mean.error is not None
    assert (high - low) / 2 == pytest.approx(float(t.ppf(0.975, 4)) * mean.error, rel=1e-4)
    values, cover, _ = made_up(1, 1, 1)
    mean = estimates(mean_of(values), cover, np.zeros(600, np.intp))[0]
    assert mean.value is not None and mean.error is None and mean.interval() is None
    nothing = np.zeros(0, np.intp)
    assert estimates(mean_of(np.zeros(0)), nothing, nothing) == (Estimate(None, None),) * 2
    for ways in ((), (nothing,) * 3):
        with pytest.raises(ValueError, match="one or two ways"):
            estimates(mean_of(np.zeros(0)), *ways)
    assert Estimate(0.95, 0.1).interval(0, 1) == pytest.approx((0.754, 1), abs=1e-3)


def test_a_handful_of_visitors_is_covered_as_often_as_promised() -> None:
    chance = np.random.default_rng(5)
    visitor, cover = np.repeat(np.arange(5), 12), np.tile(np.arange(12), 5)
    held = 0
    for _ in range(150):
        values = chance.normal(0, 1, 5)[visitor] + chance.normal(0, 1, 60)
        low, high = estimates(mean_of(values), cover, visitor, repeats=100)[0].interval(-99, 99) or (1.0, 1.0)
        held += low <= 0 <= high
    # With 1.96 standard errors and uncorrected variance only about 83 % are.
    assert held / 150 > 0.9

"""The calibration curve, against scikit-learn's, and what chance does to its error."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from albumjudge.statistics import calibration
from albumjudge.statistics.intervals import simulated_counts

UNIFORM = tuple(float(edge) for edge in np.linspace(0, 1, 6))


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_the_curve_is_that_of_scikit_learn(seed: int, votes: int) -> None:
    chance = np.random.default_rng(seed)
    stated, felt = chance.dirichlet(np.full(8, 0.5), votes), chance.integers(0, 8, votes)
    with mock.patch.multiple(calibration, EDGES=UNIFORM, BINS=5):
        *observed, error = calibration.curve(felt, stated)(np.ones((1, votes)))[0]
        sums, hits, trials = (part.sum(axis=0) for part in calibration.per_vote(felt, stated))
    asked = np.eye(8)[felt].ravel()
    true, said = calibration_curve(asked, stated.ravel(), n_bins=5)
    np.testing.assert_allclose([share for share in observed if not np.isnan(share)], true)
    np.testing.assert_allclose((sums / np.maximum(trials, 1))[trials > 0], said)
    assert hits.sum() == votes and trials.sum() == 8 * votes
    assert error == pytest.approx(np.abs(true - said) @ trials[trials > 0] / trials.sum())


def test_weights_are_repetitions() -> None:
    chance = np.random.default_rng(0)
    stated, felt = chance.dirichlet(np.ones(8), 6), chance.integers(0, 8, 6)
    times = np.array([0, 1, 2, 0, 3, 1])
    weighted = calibration.curve(felt, stated)(times[None].astype(float))
    repeated = calibration.curve(felt.repeat(times), stated.repeat(times, axis=0))(np.ones((1, 7)))
    np.testing.assert_allclose(weighted, repeated)


@pytest.mark.parametrize(("stated", "place"), [(0.0, 0), (0.05, 1), (0.0499, 0), (0.6, 7), (1.0, 7)])
def test_edges_open_bins_and_the_last_one_closes(stated: float, place: int) -> None:
    assert calibration.bin_of(np.array([stated]))[0] == place


def test_noise_has_the_error_of_crowds_who_feel_as_the_machine_says() -> None:
    chance = np.random.default_rng(4)
    verdicts = chance.dirichlet(np.ones(8), 20)
    counts = simulated_counts(np.full(20, 7), verdicts, draws=5)
    errors = calibration.error_by_noise(counts, verdicts)
    for draw, error in zip(counts, errors, strict=True):
        cover, emotion = np.nonzero(draw)
        times = draw[cover, emotion]
        felt, stated = emotion.repeat(times), verdicts[cover].repeat(times, axis=0)
        assert error == pytest.approx(float(calibration.curve(felt, stated)(np.ones((1, 140)))[0, -1]))

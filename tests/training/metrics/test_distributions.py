"""Measures between distributions, against closed forms and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import canberra, jensenshannon
from scipy.stats import entropy, spearmanr
from sklearn.metrics import balanced_accuracy_score

from training.metrics import distributions as m

SAME = np.full((1, 8), 1 / 8)
FIRST = np.eye(8)[:1]
LAST = np.eye(8)[-1:]
counts = st.lists(st.integers(0, 14), min_size=8, max_size=8).filter(any)


def shares(votes: list[int]) -> m.Shares:
    return np.array([votes], float) / sum(votes)


@given(counts, counts)
def test_divergences_distances_and_rank_correlation_are_scipys(one: list[int], other: list[int]) -> None:
    p, q = shares(one), shares([vote + 1 for vote in other])
    assert m.kl(p, q) == pytest.approx(entropy(p, q, axis=1), abs=1e-9)
    assert m.jsd(p, q) == pytest.approx(jensenshannon(p, q, axis=1) ** 2, abs=1e-9)
    p, q = shares(one), shares(other)
    expected = spearmanr(p[0], q[0]).statistic if len(set(one)) > 1 and len(set(other)) > 1 else 0.0
    assert m.spearman(p, q)[0] == pytest.approx(expected)


def test_closed_forms() -> None:
    assert m.kl(FIRST, LAST) == np.inf > m.jsd(FIRST, LAST) == pytest.approx(np.log(2))
    assert m.cosine(FIRST, SAME) == pytest.approx(1 / np.sqrt(8))
    assert m.chebyshev(FIRST, SAME) == pytest.approx(7 / 8)
    assert m.intersection(FIRST, SAME) == pytest.approx(1 / 8)


def test_what_is_most_probable_and_what_is_pleasant_counts() -> None:
    predicted = np.array([[0.1, 0.4, 0.3, 0.2, 0, 0, 0, 0]])
    third = np.eye(8)[[2]]
    assert not m.top_hits(third, predicted)[0]
    assert m.top_hits(third, predicted, 2)[0]
    happy, gloomy = np.eye(8)[[0]], np.eye(8)[[7]]
    assert m.polarity_hits(happy, np.eye(8)[[5]])[0]
    assert not m.polarity_hits(happy, gloomy)[0]


def test_calibration_error_of_known_cases() -> None:
    sure = np.full(10, 0.95)
    assert m.calibration_error(sure, np.ones(10, bool)) == pytest.approx(0.05)
    assert m.calibration_error(sure, np.zeros(10, bool)) == pytest.approx(0.95)
    half = np.array([True, False] * 5)
    assert m.calibration_error(np.full(10, 0.5), half) == pytest.approx(0)
    two_bins = np.array([0.15, 0.85])
    assert m.calibration_error(two_bins, np.array([False, True])) == pytest.approx(0.15)


def test_the_table_has_every_measure_once() -> None:
    true = np.concatenate([FIRST, LAST])
    row = m.table_row(true, true, np.array([True, True]))
    nothing = ("kl", "jsd", "chebyshev", "clark", "canberra", "entropy_correlation", "ece")
    whole = ("cosine", "intersection", "spearman", "top1", "top2", "balanced_accuracy", "polarity")
    assert row == pytest.approx(dict.fromkeys(nothing, 0) | dict.fromkeys(whole, 1))


@given(counts, counts)
def test_canberra_and_clark_are_what_the_books_say(one: list[int], other: list[int]) -> None:
    p, q = shares(one), shares(other)
    assert m.canberra(p, q)[0] == pytest.approx(canberra(p[0], q[0]))
    terms = [((a - b) / (a + b)) ** 2 for a, b in zip(p[0], q[0], strict=True) if a + b > 0]
    assert m.clark(p, q)[0] == pytest.approx(np.sqrt(sum(terms)))


def test_balanced_accuracy_is_scikit_learns() -> None:
    chance = np.random.default_rng(0)
    p, q = chance.dirichlet(np.ones(8), 60), chance.dirichlet(np.ones(8), 60)
    assert m.balanced_accuracy(p, q) == pytest.approx(balanced_accuracy_score(p.argmax(1), q.argmax(1)))


def test_knowing_what_divides_people() -> None:
    chance = np.random.default_rng(0)
    p = chance.dirichlet(np.ones(8), 60)
    assert m.entropy_correlation(p, p) == pytest.approx(1)
    assert m.entropy_correlation(p, np.tile(p[:1], (60, 1))) == 0.0

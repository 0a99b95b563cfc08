"""Measures under fixed splits: joining, intervals, tempering, valence, disagreement."""

from __future__ import annotations

import numpy as np
import pytest

from training.judge import evaluation as e
from training.judge.protocols import Protocol, Split
from training.metrics.distributions import table_row

CHANCE = np.random.default_rng(1)


def folds(count: int, repeats: int, parts: int = 2) -> Protocol:
    splits = []
    for repeat in range(repeats):
        places = CHANCE.permutation(count) % parts
        splits += [
            Split(repeat, np.flatnonzero(places != fold), np.flatnonzero(places == fold))
            for fold in range(parts)
        ]
    return tuple(splits)


def predictions(protocol: Protocol, shares: np.ndarray) -> np.ndarray:
    found = np.full((len(protocol), *shares.shape), np.nan)
    for number, split in enumerate(protocol):
        found[number, split.test] = shares[split.test]
    return found


def test_splits_are_joined_to_whole_passes() -> None:
    protocol, shares = folds(9, 3), CHANCE.dirichlet(np.ones(8), 9)
    joined = e.repeats(predictions(protocol, shares), protocol)
    assert len(joined) == 3
    for tested, found in joined:
        assert tested.tolist() == list(range(9))
        np.testing.assert_array_equal(found, shares)


def test_the_truth_scores_perfectly() -> None:
    protocol, true = folds(40, 2), CHANCE.dirichlet(np.ones(8), 40)
    row = e.abstract_row(predictions(protocol, true), protocol, true, np.ones(40, bool))
    assert row["kl"] == pytest.approx(0, abs=1e-12)
    assert row["top1"] == row["polarity"] == row["stands_out"] == 1
    assert row["entropy_correlation"] == pytest.approx(1)
    by_image = e.by_image(predictions(protocol, true), protocol, true, np.arange(40) < 30)
    assert np.isnan(by_image["top1"]).sum() == 10 and by_image["cosine"] == pytest.approx(1)


def test_the_paired_interval_is_that_of_the_mean() -> None:
    differences = CHANCE.normal(0.3, 1.0, 4000)
    mean, low, high = e.paired_interval(np.append(differences, np.nan))
    assert mean == pytest.approx(differences.mean())
    assert (high - low) / 2 == pytest.approx(1.96 * differences.std() / np.sqrt(4000), rel=0.1)
    assert low < mean < high


def test_a_temperature_mends_too_little_confidence() -> None:
    # Right nine times out of ten, with a confidence of a quarter.
    top = CHANCE.integers(0, 8, 400)
    predicted_top = np.where(CHANCE.random(400) < 0.9, top, (top + 1) % 8)
    true, predicted = np.full((400, 8), 0.05), np.full((400, 8), 0.75 / 7)
    true[np.arange(400), top] = 0.65
    predicted[np.arange(400), predicted_top] = 0.25
    clear = np.ones(400, bool)
    assert table_row(true, predicted, clear)["ece"] == pytest.approx(0.65, abs=0.05)
    assert e.tempered_error(true, predicted, clear) < 0.05


def test_scales_are_compared_where_they_are_known() -> None:
    valence = np.append(np.linspace(-1, 1, 41), np.nan)
    pleasant = np.append(np.linspace(0.2, 0.8, 41), 0.1)
    row = e.pleasant_row(pleasant, valence)
    assert (
        row["valence_correlation"] == pytest.approx(1) and row["valence_sign"] == 1 and row["pictures"] == 41
    )
    turned = e.pleasant_row(1 - pleasant, valence)
    assert turned["valence_correlation"] == pytest.approx(-1) and turned["valence_sign"] == 0
    noisy = e.pleasant_row(pleasant + CHANCE.normal(0, 0.2, 42), valence)
    assert noisy["valence_correlation_low"] < noisy["valence_correlation"] < noisy["valence_correlation_high"]
    shares = CHANCE.dirichlet(np.ones(8), 30)
    scores = np.column_stack([shares[:, 1], -shares[:, 3]])
    row = e.other_row(shares, np.ones(30), ("bws_anger", "wikiart_happiness"), scores)
    assert row["feelingblue_anger"] == pytest.approx(1) and row["wikiart_happiness"] == pytest.approx(-1)
    assert "wikiart_fear" not in row and "valence_correlation" not in row


def test_disagreement_that_follows_people_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e, "BOOTSTRAPS", 100)
    true = CHANCE.dirichlet(np.ones(8) * 0.5, 60)
    entropy = -(true * np.log(true + 1e-12)).sum(1)
    protocol = folds(60, 1)
    two = np.stack([true.copy(), true.copy()])
    divided = entropy > np.median(entropy)
    two[1][divided] = np.roll(true[divided], 3, axis=1)
    rows = e.disagreement(np.stack([predictions(protocol, each) for each in two]), protocol, true)
    firsts = rows["how many emotions the jurors name first"]
    assert 0.3 < firsts["low"] < firsts["rank_correlation"] < firsts["high"]

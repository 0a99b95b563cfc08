"""The benchmark's own maths: joining splits, paired intervals, scaling, tempering."""

from __future__ import annotations

import numpy as np
import pytest

from training import benchmark_judge as b
from training.judge.cross_validation import Protocol, Split
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
    return Protocol("folds", tuple(splits))


def predictions(protocol: Protocol, said: np.ndarray) -> np.ndarray:
    found = np.full((len(protocol.splits), *said.shape), np.nan)
    for number, split in enumerate(protocol.splits):
        found[number, split.asked] = said[split.asked]
    return found


def test_splits_are_joined_to_whole_passes() -> None:
    protocol, said = folds(9, 3), CHANCE.dirichlet(np.ones(8), 9)
    joined = b.passes(predictions(protocol, said), protocol)
    assert len(joined) == 3
    for asked, shares in joined:
        assert asked.tolist() == list(range(9))
        np.testing.assert_array_equal(shares, said)


def test_a_holdout_speaks_of_its_own_paintings_only() -> None:
    protocol = Protocol("holdout", (Split(0, np.arange(6), np.array([6, 7])),))
    ((asked, shares),) = b.passes(predictions(protocol, CHANCE.dirichlet(np.ones(8), 8)), protocol)
    assert asked.tolist() == [6, 7] and shares.shape == (2, 8)


def test_who_says_the_truth_is_perfect() -> None:
    protocol, true = folds(40, 2), CHANCE.dirichlet(np.ones(8), 40)
    row = b.row(predictions(protocol, true), protocol, true, np.ones(40, bool))
    assert row["KL"] == pytest.approx(0, abs=1e-12) and row["top-1"] == row["polarity"] == 1
    assert row["entropy correlation"] == pytest.approx(1)
    by_image = b.by_image(predictions(protocol, true), protocol, true, np.arange(40) < 30)
    assert np.isnan(by_image["top-1"]).sum() == 10 and by_image["cosine"] == pytest.approx(1)


def test_the_paired_interval_is_that_of_the_mean() -> None:
    differences = CHANCE.normal(0.3, 1.0, 4000)
    mean, low, high = b.paired_interval(np.append(differences, np.nan))
    assert mean == pytest.approx(differences.mean())
    half = 1.96 * differences.std() / np.sqrt(4000)
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    assert low < mean < high


def test_scaling_stretches_every_painting_from_nothing_to_its_top() -> None:
    shares = np.array([[0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0], [0.125] * 8])
    scaled = b.scaled(shares)
    assert scaled.sum(1) == pytest.approx(1)
    assert scaled[0, 6] == 0 and scaled[0, 0] / scaled[0, 1] == pytest.approx(5)
    assert scaled[1] == pytest.approx(0.125)


def test_a_temperature_mends_too_little_confidence() -> None:
    # Right nine times out of ten, and says so with a confidence of a quarter.
    top = CHANCE.integers(0, 8, 400)
    said_top = np.where(CHANCE.random(400) < 0.9, top, (top + 1) % 8)
    true, said = np.full((400, 8), 0.05), np.full((400, 8), 0.75 / 7)
    true[np.arange(400), top] = 0.65
    said[np.arange(400), said_top] = 0.25
    clear = np.ones(400, bool)
    plain = table_row(true, said, clear)["ECE"]
    assert plain == pytest.approx(0.65, abs=0.05)
    assert b.tempered_error(true, said, clear) < 0.05


def test_disagreement_that_follows_people_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(b, "BOOTSTRAPS", 100)
    true = CHANCE.dirichlet(np.ones(8) * 0.5, 60)
    entropy = -(true * np.log(true + 1e-12)).sum(1)
    protocol = folds(60, 1)
    split_minds = np.stack([true.copy(), true.copy()])
    divided = entropy > np.median(entropy)
    split_minds[1][divided] = np.roll(true[divided], 3, axis=1)
    rows = b.disagreement(np.stack([predictions(protocol, each) for each in split_minds]), protocol, true)
    firsts = rows["how many feelings the jurors name first"]
    assert firsts["low"] > 0.3 and firsts["low"] < firsts["rank correlation"] < firsts["high"]

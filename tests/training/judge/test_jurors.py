"""Lives, what they change, and the fit of a jury on made-up paintings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from albumjudge.models.jury import JURY_FEATURE_WIDTHS
from albumjudge.models.vgg16 import BLOCK_WIDTHS
from training.judge.jurors import (
    LIVES,
    JurorConfig,
    JuryConfig,
    attention,
    block_weights,
    fit_jury,
    met,
    read_others,
    wanted,
)

WIDTH = sum(JURY_FEATURE_WIDTHS)
CHANCE = np.random.default_rng(4)
SMALL = JuryConfig(ridges=(1e-3, 1e-2), sharpness=0.3, inner_folds=3)


def test_the_lives_differ() -> None:
    assert len(LIVES) >= 5
    assert len({life.name for life in LIVES}) == len(LIVES)
    assert len({replace(life, name="", told="") for life in LIVES}) == len(LIVES)
    assert LIVES[0] == JurorConfig(LIVES[0].name, LIVES[0].told)
    lives = [life.labels for life in LIVES]
    assert "argmax" in lives and any(not life.others for life in LIVES)
    assert any(life.childhood for life in LIVES) and any(life.eyes for life in LIVES)


def test_every_block_that_is_heard_weighs_the_same() -> None:
    weights = block_weights((2, 5))
    parts = np.split(weights, np.cumsum(JURY_FEATURE_WIDTHS)[:-1])
    assert [part.sum() for part in parts] == pytest.approx([0, 1, 0, 0, 1])


def test_half_the_eyes_see_all_of_a_maps_numbers_and_weigh_as_much() -> None:
    whole = attention(JurorConfig("a", ""), 4, 5.0, 1)
    half = attention(JurorConfig("b", "", eyes=1), 4, 5.0, 1)
    assert whole.sum() == pytest.approx(10) and half.sum() == pytest.approx(10)
    first = half[: JURY_FEATURE_WIDTHS[0]].reshape(3, -1)
    assert ((first > 0).sum(1) == BLOCK_WIDTHS[0] // 2).all()
    assert ((first > 0) == (first[0] > 0)).all()


def test_who_knows_no_others_does_not_hear_them() -> None:
    assert attention(JurorConfig("c", "", others=False), 4, 5.0, 1)[WIDTH:].tolist() == [0.0] * 4


def test_a_childhood_is_a_bootstrap_of_its_own() -> None:
    one, two = met(JurorConfig("a", "", childhood=1), 50, 9), met(JurorConfig("b", "", childhood=2), 50, 9)
    assert len(one) == 50 and len(set(one.tolist())) < 50
    assert one.tolist() != two.tolist()
    assert one.tolist() == met(JurorConfig("a", "", childhood=1), 50, 9).tolist()
    assert met(JurorConfig("c", ""), 3, 9).tolist() == [0, 1, 2]


def test_the_majority_is_all_that_argmax_hears() -> None:
    shares = np.array([[0.2, 0.5, 0.1, 0.0, 0.0, 0.0, 0.1, 0.1]])
    assert wanted(shares, "argmax").tolist() == [[0, 1, 0, 0, 0, 0, 0, 0]]
    assert wanted(shares, "distribution") is shares


def test_readings_are_left_one_out_ridge_regressions() -> None:
    reports = CHANCE.normal(size=(12, WIDTH))
    scores = np.stack([reports[:, 0] + 1, CHANCE.normal(size=12)], 1)
    scores[3, 0] = np.nan
    weights, offsets, correlations = read_others(reports, scores, ridges=(0.3,))
    assert weights.shape == (WIDTH, 2) and offsets.shape == (2,)
    known = np.isfinite(scores[:, 0])
    # By brute force: the same ridge on the same scaled reports, one painting left out at a time.
    scaled = (reports - reports.mean(0)) / (reports.std(0) + 1e-3) * np.sqrt(block_weights((1, 2, 3, 4, 5)))
    few, rest = scaled[known], scores[known, 0] - scores[known, 0].mean()
    ridge = 0.3 * np.trace(few @ few.T) / known.sum()
    left_out = []
    for i in range(known.sum()):
        others = np.arange(known.sum()) != i
        kernel = few[others] @ few[others].T + ridge * np.eye(others.sum())
        left_out.append(few[i] @ few[others].T @ np.linalg.solve(kernel, rest[others]))
    assert correlations[0] == pytest.approx(np.corrcoef(left_out, rest)[0, 1])
    whole = few @ few.T
    expected = whole @ np.linalg.solve(whole + ridge * np.eye(len(few)), rest) + scores[known, 0].mean()
    np.testing.assert_allclose(reports[known] @ weights[:, 0] + offsets[0], expected)


@pytest.fixture(scope="module")
def paintings() -> tuple[np.ndarray, np.ndarray]:
    """Sixty paintings whose feeling hangs on the first block, and on a reading of it."""
    chance = np.random.default_rng(5)
    features = chance.normal(size=(60, WIDTH + 2))
    mood = chance.normal(size=60)
    features[:, : JURY_FEATURE_WIDTHS[0]] += 2 * mood[:, None]
    features[:, WIDTH] = mood
    logits = mood[:, None] * np.array([1, -1, 1, 1, -1, 1, -1, -1])
    return features, softmax(logits, axis=1)


def test_a_jury_learns_and_its_jurors_differ(paintings: tuple[np.ndarray, np.ndarray]) -> None:
    features, shares = paintings
    learnt, asked = slice(0, 45), slice(45, 60)
    jury = fit_jury(features[learnt], shares[learnt], SMALL)
    said = np.stack([softmax(juror.logits(features[asked], features[learnt]), axis=1) for juror in jury])
    assert said.shape == (len(LIVES), 15, 8)
    mean = shares[learnt].mean(0)
    surprise = -(shares[asked] * np.log(said)).sum(2).mean(1)
    assert surprise[0] < -(shares[asked] * np.log(mean)).sum(1).mean()
    by_name = {life.name: juror for life, juror in zip(LIVES, jury, strict=True)}
    colourist = next(life for life in LIVES if life.blocks == (1, 2, 3))
    assert not by_name[colourist.name].attention[sum(JURY_FEATURE_WIDTHS[:3]) : WIDTH].any()
    child = next(i for i, life in enumerate(LIVES) if life.childhood)
    never = np.setdiff1d(np.arange(45), met(LIVES[child], 45, SMALL.seed))
    assert len(never) and not jury[child].memory[never].any()
    assert jury[0].memory.any(1).all()


def test_nothing_is_chosen_unless_wished(paintings: tuple[np.ndarray, np.ndarray]) -> None:
    features, shares = paintings
    (whole,) = fit_jury(features, shares, SMALL, LIVES[:1])
    apart = [
        fit_jury(features, shares, replace(SMALL, ridges=(ridge,)), LIVES[:1])[0] for ridge in SMALL.ridges
    ]
    (chosen,) = fit_jury(features, shares, replace(SMALL, chosen=True), LIVES[:1])
    assert whole.choice.settings == ((1e-3, 1.0), (1e-2, 1.0))
    assert 0.2 <= whole.choice.temperature <= 5
    # The mean of the settings' logits, before each one's temperature.
    mean = np.mean([juror.memory * juror.choice.temperature for juror in apart], axis=0)
    np.testing.assert_allclose(whole.memory * whole.choice.temperature, mean)
    best = min(apart, key=lambda juror: juror.choice.score)
    assert chosen.choice == best.choice
    np.testing.assert_allclose(chosen.memory, best.memory)


def test_a_childhood_is_judged_by_paintings_on_one_side_only(
    paintings: tuple[np.ndarray, np.ndarray],
) -> None:
    features, shares = paintings
    child = JurorConfig("a", "", childhood=3)
    (juror,) = fit_jury(features, shares, SMALL, [child])
    never = np.setdiff1d(np.arange(len(shares)), met(child, len(shares), SMALL.seed))
    assert not juror.memory[never].any() and np.isfinite(juror.choice.score)
    # Its temperature is its own: paintings that it met twice are never on both sides.
    assert juror.choice.score > -(shares * np.log(shares)).sum(1).mean()

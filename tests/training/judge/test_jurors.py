"""Jurors' configurations, and the fit of a jury on made-up pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from albumjudge.models.multitask_jury import FEATURE_WIDTHS
from training.judge.jurors import (
    JURORS,
    JuryConfig,
    fit_jury,
    fit_weights,
    importance,
    mix,
    training_labels,
)
from training.judge.pictures import Pictures, arrange, group_weights

CONFIG = JuryConfig(domain_ridge=1e-3)
STIFF = tuple(replace(juror, ridge=1e-3) for juror in JURORS)
ABSTRACT, OTHERS = 40, 50


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """Pictures of two domains whose mood shows in the first block; other paintings have trust and fear."""
    chance = np.random.default_rng(5)
    mood = chance.normal(size=ABSTRACT + OTHERS)
    features = chance.normal(size=(len(mood), sum(FEATURE_WIDTHS)))
    features[:, : FEATURE_WIDTHS[0]] += 2 * mood[:, None]
    features[:ABSTRACT, FEATURE_WIDTHS[0] : sum(FEATURE_WIDTHS[:2])] += 3
    shares = softmax(mood[:ABSTRACT, None] * np.array([1, -1, 1, 1, -1, 1, -1, -1]), axis=1)
    scores = np.column_stack([np.maximum(mood, 0), np.maximum(-mood, 0)])[ABSTRACT:] / 4
    columns = ("wikiart_trust", "wikiart_fear")
    return arrange(shares, columns, scores, np.arange(OTHERS) % 5, features, features)


def test_jurors_differ_and_labels_and_weights_follow_their_settings() -> None:
    assert len({juror.name for juror in JURORS}) == len(JURORS)
    assert len({replace(juror, name="", description="") for juror in JURORS}) == len(JURORS)
    assert any(juror.abstract_share == 1 for juror in JURORS)
    shares = np.array([[0.2, 0.5, 0.1, 0.0, 0.0, 0.0, 0.1, 0.1]])
    assert training_labels(shares, "argmax").tolist() == [[0, 1, 0, 0, 0, 0, 0, 0]]
    assert training_labels(shares, "distribution") is shares
    abstract = np.arange(50) < 20
    for share in (0.0, 0.3, 1.0):
        weights = importance(share, abstract)
        assert weights[abstract].sum() == pytest.approx(share) and weights.sum() == pytest.approx(1)
    assert group_weights((2, 5), 0.5).tolist() == [0, 1, 0, 0, 1, 0.5]


@pytest.mark.slow
def test_held_out_paintings_change_nothing(pictures: Pictures) -> None:
    held = pictures.parts == 0
    scores = pictures.scores.copy()
    scores[held] = np.nan
    raw = pictures.raw[0].copy()
    raw[pictures.test_others] = 0
    rows = np.arange(10)
    shares = pictures.shares.copy()
    shares[rows] = shares[rows][::-1]
    changed = arrange(shares, pictures.columns, scores, pictures.parts, raw, raw)
    found = [
        fit_jury(each, np.arange(10, 40), CONFIG, STIFF[:2]).predict(each, rows)
        for each in (pictures, changed)
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


@pytest.mark.slow
def test_scales_are_predicted_without_the_paintings_own_part(pictures: Pictures) -> None:
    scores = pictures.scores.copy()
    scores[pictures.parts == 2] = scores[pictures.parts == 2][::-1]
    changed = arrange(pictures.shares, pictures.columns, scores, pictures.parts, *pictures.raw)
    own = pictures.count + np.flatnonzero(pictures.parts == 2)
    # Standardising moves all alike, so correlations say whether the order stayed.
    for column in range(2):
        assert np.corrcoef(pictures.train_scales[own, column], changed.train_scales[own, column])[
            0, 1
        ] == pytest.approx(1)


def test_a_jury_learns_both_data_sets(pictures: Pictures) -> None:
    train, test = np.arange(10, 40), np.arange(10)
    fitted = fit_jury(pictures, train, CONFIG, STIFF)
    shares = fitted.predict(pictures, test)
    assert shares.shape == (1 + len(JURORS), 10, 8) and shares.sum(2) == pytest.approx(1)
    assert fitted.weights.sum(1) == pytest.approx(1) and fitted.weights.min() > 0
    true = pictures.shares[test]
    blind = -(true * np.log(pictures.shares[train].mean(0))).sum()
    assert -(true * np.log(shares[0])).sum() < blind
    pleasant = fitted.predict(pictures, pictures.test_others)[:, :, [0, 2, 3, 5]].sum(2)
    valence = pictures.valence[pictures.parts == 0]
    assert np.corrcoef(pleasant[0], valence)[0, 1] > 0.5
    by_name = {config.name: juror for config, juror in zip(JURORS, fitted.jurors, strict=True)}
    assert by_name["the colourist"].attention[3:5].tolist() == [0, 0]
    assert by_name["the homebody"].attention[-1] == 0
    assert not by_name["the homebody"].fit.weights[len(train) :].any()


def test_who_is_right_weighs_more_and_the_ridge_evens_weights_out() -> None:
    chance = np.random.default_rng(2)
    true, wrong = chance.dirichlet(np.ones(8), (2, 60))
    said = np.stack([true, wrong])
    np.testing.assert_allclose(fit_weights(said, true, 0.0), [1, 0], atol=0.05)
    np.testing.assert_allclose(fit_weights(said, true, 1e3), 0.5, atol=0.01)
    domain = np.repeat([1.0, 0.0], 30)
    np.testing.assert_allclose(mix(said, domain, np.eye(2)), np.where(domain[:, None] == 1, true, wrong))

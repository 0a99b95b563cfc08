"""Reading genre and decade off features whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from albumjudge.domain.conditions import DECADES, GENRES
from training.data.covers import CoverEntry, DataError
from training.metrics.condition_classifier import ConditionClassifier, labels_of


def clusters(classes: list[int], seed: int = 0) -> np.ndarray:
    """Features that give the class away."""
    centres = 5 * np.random.default_rng(99).standard_normal((10, 6))
    return centres[classes] + 0.1 * np.random.default_rng(seed).standard_normal((len(classes), 6))


def test_labels_are_those_of_the_condition_rare_ones_left_out_and_too_few_refused() -> None:
    entry = CoverEntry("x.png", "test", ("rock", "pop"), None)
    assert labels_of(entry, "genre") == ("rock", "pop") and labels_of(entry, "decade") == ()
    assert labels_of(CoverEntry("x.png", "test", (), "1970s"), "decade") == ("1970s",)
    places = [0] * 9 + [1] * 9 + [2] * 4
    classifier = ConditionClassifier("genre", clusters(places), [(GENRES[k],) for k in places])
    assert classifier.classes == GENRES[:2] and classifier.chance == 0.5
    with pytest.raises(DataError, match="Too few covers have a decade to learn from"):
        ConditionClassifier("decade", clusters(places), [() for _ in places])


def test_what_can_be_recognised_is_and_what_cannot_is_chance() -> None:
    places = list(range(8)) * 30
    labels = [(DECADES[k],) for k in places]
    classifier = ConditionClassifier("decade", clusters(places), labels)
    assert classifier.chance == 1 / 8
    assert classifier.accuracy(clusters(places, seed=1), labels) == 1
    noise = np.random.default_rng(0).permutation(clusters(places))
    assert classifier.accuracy(noise, labels) == pytest.approx(1 / 8, abs=0.08)


def test_accuracy_is_balanced_takes_any_right_label_and_ignores_unknown_ones() -> None:
    classifier = ConditionClassifier("genre", clusters([0, 1] * 20), [(GENRES[k],) for k in [0, 1] * 20])
    assert classifier.accuracy(clusters([0] * 110), [(GENRES[0],)] * 100 + [(GENRES[1],)] * 10) == 0.5
    assert classifier.accuracy(clusters([0, 1]), [(GENRES[0], GENRES[1]), (GENRES[1], GENRES[0])]) == 1
    assert classifier.accuracy(clusters([0, 1, 1]), [(GENRES[0],), (), (GENRES[5],)]) == 1
    assert math.isnan(classifier.accuracy(clusters([0]), [()]))

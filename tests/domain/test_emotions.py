"""The eight emotions: their order, their words and their colours."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumjudge.domain import emotions
from albumjudge.domain.emotions import EMOTIONS, NAMES, NOTHING
from tests.colour_vision import VISIONS, contrast, difference, lab

WALL = "#12100e"


def shares(**given_shares: float) -> list[float]:
    """A distribution from some of its shares; the others get equal parts of what is left."""
    rest = (1 - sum(given_shares.values())) / (len(NAMES) - len(given_shares))
    return [given_shares.get(name, rest) for name in NAMES]


DISTRIBUTIONS = st.lists(st.floats(1e-6, 1), min_size=8, max_size=8).map(
    lambda weights: [weight / sum(weights) for weight in weights]
)


def test_the_eight_emotions_have_an_order_names_colours_and_signs_of_their_own() -> None:
    assert " ".join(NAMES) == "amusement anger awe contentment disgust excitement fear sadness"
    positive = [number for number, emotion in enumerate(EMOTIONS, start=1) if emotion.positive]
    assert positive == [1, 3, 4, 6]
    for values in (NAMES, [e.colour for e in EMOTIONS], [e.sign for e in EMOTIONS]):
        assert len(set(values)) == 8
    assert all(len(emotion.sign) == 1 for emotion in EMOTIONS)
    assert NOTHING not in NAMES
    assert [emotions.index(name) for name in NAMES] == list(range(8))
    for other in (NOTHING, "Awe", ""):
        with pytest.raises(ValueError, match=f"{other!r} is none of the eight emotions: amusement, anger"):
            emotions.index(other)
    for emotion in EMOTIONS:
        assert contrast(emotion.colour, WALL) >= 4.5, emotion
    assert emotions.top([0.125] * 8) == "amusement"
    assert emotions.top(shares(anger=0.3, fear=0.3)) == "anger"


@pytest.mark.parametrize(
    ("probabilities", "words"),
    [
        (shares(awe=1.0), "clearly awe"),
        (shares(sadness=0.6), "clearly sadness"),
        (shares(awe=0.5, fear=0.2), "mostly awe, some fear"),
        (shares(awe=0.5, fear=0.15), "mostly awe, a little fear"),
        (shares(fear=0.5, awe=0.5), "awe and fear in equal parts"),
        (shares(awe=0.35, fear=0.30), "awe and fear in equal parts"),
        (shares(awe=0.35, fear=0.29), "mostly awe, some fear"),
        (shares(anger=0.28, fear=0.30, awe=0.26), "torn between fear, anger and awe"),
        (shares(), "torn: a little amusement, anger and awe"),
        (shares(excitement=0.19, disgust=0.18), "torn: a little excitement, disgust and amusement"),
    ],
)
def test_a_distribution_is_said_as_a_museum_label_would(probabilities: list[float], words: str) -> None:
    assert emotions.in_words(probabilities) == words


@given(DISTRIBUTIONS)
def test_the_words_name_the_strongest_emotions_in_order_and_claim_no_more(probabilities: list[float]) -> None:
    words = emotions.in_words(probabilities)
    named = sorted((name for name in NAMES if name in words), key=words.index)
    strongest = sorted(NAMES, key=lambda name: -probabilities[NAMES.index(name)])
    assert named == strongest[: len(named)]
    assert named[0] == emotions.top(probabilities)
    assert 1 <= len(named) <= 3
    words, most = emotions.in_words(probabilities), max(probabilities)
    assert words.startswith("clearly") == (most >= 0.6)
    if words.startswith("mostly"):
        assert most >= 0.2 and sorted(probabilities)[-2] < 0.85 * most


@pytest.mark.parametrize(
    ("vision", "least"), [("normal", 20), ("protanopia", 13), ("deuteranopia", 13), ("tritanopia", 13)]
)
def test_no_two_colours_look_alike(vision: str, least: float) -> None:
    for one, other in combinations(EMOTIONS, 2):
        apart = difference(lab(one.colour, vision), lab(other.colour, vision))
        assert apart >= least, f"{one.name} and {other.name} are only {apart:.1f} apart"


def test_the_measures_above_are_those_of_the_books() -> None:
    # Sharma, Wu & Dalal (2005), table 1.
    for one, other, expected in (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ):
        assert difference(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert lab("#ff0000") == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    for vision in VISIONS:
        assert lab("#808080", vision)[1:] == pytest.approx([0, 0], abs=0.05)

"""Reading genre and decade off features whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from albumjudge.domain.conditions import DECADES, GENRES
from training.data.covers import CoverEntry, DataError
from training.metrics.condition_classifier import QUESTIONS, Reader

GENRE, DECADE = QUESTIONS


def entry(genres: tuple[str, ...] = (), decade: str | None = None) -> CoverEntry:
    return CoverEntry("x.png", "test", genres, decade)


def clumps(answers: list[int], seed: int = 0) -> np.ndarray:
    """Features that give the answer away: one clump each."""
    centres = 5 * np.random.default_rng(99).standard_normal((10, 6))
    return centres[answers] + 0.1 * np.random.default_rng(seed).standard_normal((len(answers), 6))


def test_what_can_be_read_is_read_and_what_cannot_is_chance() -> None:
    places = list(range(8)) * 30
    entries = [entry(decade=DECADES[k]) for k in places]
    reader = Reader(DECADE, clumps(places), entries)
    assert reader.chance == 1 / 8
    right = [DECADE.right(e) for e in entries]
    assert reader.accuracy(clumps(places, seed=1), right) == 1
    noise = np.random.default_rng(0).permutation(clumps(places))
    assert reader.accuracy(noise, right) == pytest.approx(1 / 8, abs=0.08)


def test_every_answer_counts_the_same() -> None:
    """100 covers of rock read rightly and 10 of pop read wrongly are one half, not 91 %."""
    reader = Reader(GENRE, clumps([0, 1] * 20), [entry((GENRES[k],)) for k in [0, 1] * 20])
    found = reader.accuracy(clumps([0] * 110), [(GENRES[0],)] * 100 + [(GENRES[1],)] * 10)
    assert found == 0.5


def test_any_of_several_right_answers_is_right_and_unknown_ones_do_not_count() -> None:
    reader = Reader(GENRE, clumps([0, 1] * 20), [entry((GENRES[k],)) for k in [0, 1] * 20])
    assert reader.accuracy(clumps([0, 1]), [(GENRES[0], GENRES[1]), (GENRES[1], GENRES[0])]) == 1
    assert reader.accuracy(clumps([0, 1, 1]), [(GENRES[0],), (), (GENRES[5],)]) == 1
    assert math.isnan(reader.accuracy(clumps([0]), [()]))


def test_rare_answers_are_left_out_and_too_few_refused() -> None:
    places = [0] * 9 + [1] * 9 + [2] * 4
    reader = Reader(GENRE, clumps(places), [entry((GENRES[k],)) for k in places])
    assert reader.answers == GENRES[:2] and reader.chance == 0.5
    with pytest.raises(DataError, match="Too few covers have a decade to learn from"):
        Reader(DECADE, clumps(places), [entry(("rock",)) for _ in places])

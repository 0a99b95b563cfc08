"""Can the genre or decade that a cover was asked for be read off it? A judge of that, taught by real covers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from albumjudge.domain.conditions import DECADES, GENRES
from training.data.covers import CoverEntry, DataError

Features = NDArray[np.float64]
STRENGTH = 1e-3
"""Inverse of the penalty on weights: a thousand features and a few thousand covers need a strong one."""
LEAST_PER_NAME = 5


@dataclass(frozen=True)
class Question:
    """What is to be read: its name, its possible answers, and which of them are right for a real cover."""

    name: str
    answers: tuple[str, ...]

    def right(self, entry: CoverEntry) -> tuple[str, ...]:
        """Right answers for a real cover; none if nobody knows."""
        if self.name == "genre":
            return entry.genres
        return (entry.decade,) if entry.decade else ()


QUESTIONS = (Question("genre", GENRES), Question("decade", DECADES))


class Reader:
    """A logistic regression with balanced classes that answers one question.

    Args:
        features: of real covers to learn from, shape ``(n, d)``.
        entries: the n covers' labels; covers without an answer teach nothing, those with several teach each.

    Raises:
        DataError: if fewer than two answers have ``LEAST_PER_NAME`` covers.
    """

    def __init__(self, question: Question, features: Features, entries: Sequence[CoverEntry]) -> None:
        pairs = [(i, answer) for i, entry in enumerate(entries) for answer in question.right(entry)]
        counts = {answer: sum(a == answer for _, a in pairs) for answer in question.answers}
        self.answers = tuple(answer for answer, count in counts.items() if count >= LEAST_PER_NAME)
        if len(self.answers) < 2:
            raise DataError(f"Too few covers have a {question.name} to learn from.")
        pairs = [(i, answer) for i, answer in pairs if answer in self.answers]
        self.question = question
        self._model: Pipeline = make_pipeline(
            StandardScaler(), LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=300)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._model.fit(features[[i for i, _ in pairs]], [answer for _, answer in pairs])

    @property
    def chance(self) -> float:
        """What guessing earns in :meth:`accuracy`."""
        return 1 / len(self.answers)

    def accuracy(self, features: Features, right: Sequence[tuple[str, ...]]) -> float:
        """Share of covers read rightly, averaged over answers so that each counts the same.

        A cover with several right answers counts for each, and any of them is right.

        Args:
            features: shape ``(n, d)``.
            right: n times the right answers; covers without one that the reader knows do not count.

        Returns:
            0 to 1; not a number if no cover counts.
        """
        said = self._model.predict(features)
        shares = []
        for answer in self.answers:
            hits = [said[i] in known for i, known in enumerate(right) if answer in known]
            if hits:
                shares.append(float(np.mean(hits)))
        return float(np.mean(shares)) if shares else float("nan")

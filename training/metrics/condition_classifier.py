"""Recognising the genre or decade of covers, to see whether painted ones show what they were asked for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from albumjudge.domain.conditions import DECADES, GENRES
from training.data.covers import CoverEntry, DataError

Features = NDArray[np.float64]
CONDITIONS = {"genre": GENRES, "decade": DECADES}
"""In the order in which generators take them."""
INVERSE_PENALTY = 1e-3
"""A thousand features and a few thousand covers need a strong penalty on weights."""
LEAST_COVERS = 5


def labels_of(entry: CoverEntry, condition: str) -> tuple[str, ...]:
    """What is known of a real cover: genres, or its decade; empty if nothing."""
    if condition == "genre":
        return entry.genres
    return (entry.decade,) if entry.decade else ()


class ConditionClassifier:
    """A logistic regression with balanced classes for one condition.

    Args:
        condition: a key of :data:`CONDITIONS`.
        features: of real covers to learn from, shape ``(n, d)``.
        labels: the n covers' labels, none or several each; a cover with several is an example of each.

    Raises:
        DataError: if fewer than two classes have ``LEAST_COVERS`` covers.
    """

    def __init__(self, condition: str, features: Features, labels: Sequence[tuple[str, ...]]) -> None:
        pairs = [(i, label) for i, known in enumerate(labels) for label in known]
        self.condition = condition
        self.classes = tuple(
            name for name in CONDITIONS[condition] if sum(label == name for _, label in pairs) >= LEAST_COVERS
        )
        if len(self.classes) < 2:
            raise DataError(f"Too few covers have a {condition} to learn from.")
        pairs = [(i, label) for i, label in pairs if label in self.classes]
        self._model: Pipeline = make_pipeline(
            StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=300)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._model.fit(features[[i for i, _ in pairs]], [label for _, label in pairs])

    @property
    def chance(self) -> float:
        """The accuracy of guessing."""
        return 1 / len(self.classes)

    def accuracy(self, features: Features, labels: Sequence[tuple[str, ...]]) -> float:
        """Balanced accuracy; any of several labels is right, and covers without a known one do not count.

        Args:
            features: shape ``(n, d)``.
            labels: n times the right ones.

        Returns:
            0 to 1; not a number if no cover counts.
        """
        predicted = self._model.predict(features)
        shares = []
        for name in self.classes:
            hits = [predicted[i] in known for i, known in enumerate(labels) if name in known]
            if hits:
                shares.append(float(np.mean(hits)))
        return float(np.mean(shares)) if shares else float("nan")

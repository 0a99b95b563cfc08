"""How jurors come to feel: their lives, and the fit of each on what the trunk reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

from albumjudge.domain.emotions import NAMES
from albumjudge.models.jury import JURY_FEATURE_WIDTHS
from albumjudge.models.vgg16 import BLOCK_WIDTHS
from training.judge.kernel_regression import (
    Fit,
    Matrix,
    decompose,
    fit,
    fit_temperature,
    label_geometry,
    rational_quadratic,
    squared_distances,
)

ALL_BLOCKS = (1, 2, 3, 4, 5)
STEPS = 60
"""Of each fit, at most; more change nothing that can be seen in a share."""
Pairs = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class JurorConfig:
    """What sets a juror apart.

    Attributes:
        name: for visitors.
        told: the same in a sentence.
        labels: ``distribution`` learns the shares of all votes, ``argmax`` only which emotion came first (the
            first in the fixed order where several did).
        blocks: of the trunk that it hears.
        others: whether it has the readings from other paintings.
        childhood: seed of the paintings it met, drawn with replacement; None met each one once.
        eyes: seed of the half of the feature maps that it was born with; None has them all.
    """

    name: str
    told: str
    labels: str = "distribution"
    blocks: tuple[int, ...] = ALL_BLOCKS
    others: bool = True
    childhood: int | None = None
    eyes: int | None = None


LIVES: tuple[JurorConfig, ...] = (
    JurorConfig(
        "the well-read", "Met every painting, heard every vote, and knows what people felt before others."
    ),
    JurorConfig("the homebody", "Knows no paintings but these.", others=False),
    JurorConfig("the majority’s friend", "Was only ever told which feeling won the vote.", labels="argmax"),
    JurorConfig("the colourist", "Sees colour and texture, never what they add up to.", blocks=(1, 2, 3)),
    JurorConfig("the reader of shapes", "Sees what things might be, hardly their colours.", blocks=(4, 5)),
    JurorConfig("one childhood", "Grew up with a random part of the paintings, some met twice.", childhood=1),
    JurorConfig("another childhood", "Grew up with another random part of them.", childhood=2),
    JurorConfig("the half-sighted", "Was born with a random half of the network’s eyes.", eyes=1),
)


@dataclass(frozen=True)
class JuryConfig:
    """Everything that decides a jury, together with the data.

    A juror's logits are the mean over all pairs of a ridge and a geometry. With so few paintings the best pair
    cannot be told from the next best, and choosing costs more than it brings; ``chosen`` chooses all the same.

    Attributes:
        size: side in pixels at which the trunk sees a picture.
        ridges: weights of the function's squared norm.
        sharpness: the kernel is ``1 / (1 + sharpness * squared distance / median squared distance)``.
        others_weight: how loud the readings from other paintings are; each of the five blocks has 1, so that
            5 is as loud as all of these together.
        geometries: powers of the labels' covariance, see :func:`training.judge.kernel_regression.label_geometry`.
        inner_folds: of the cross-validation inside the training paintings, for temperatures and choices.
        chosen: take only the pair that did best in the inner cross-validation.
        seed: of folds, childhoods and eyes.
    """

    size: int = 96
    ridges: tuple[float, ...] = (1e-4, 2e-4, 4e-4, 8e-4)
    sharpness: float = 0.5
    others_weight: float = 5.0
    geometries: tuple[float, ...] = (1.0,)
    inner_folds: int = 5
    chosen: bool = False
    seed: int = 2010


@dataclass(frozen=True)
class Choice:
    """What was chosen for a juror, and what that was worth within its paintings.

    Attributes:
        settings: pairs of ridge and geometry whose logits are averaged.
        temperature: divides the logits.
        score: mean inner cross-entropy with what it was told, in nats, before the temperature.
    """

    settings: tuple[tuple[float, float], ...]
    temperature: float
    score: float


@dataclass(frozen=True)
class FittedJuror:
    """A juror that can be asked.

    Attributes:
        attention: shape ``(d,)``: the kernel is ``1 / (1 + |attention * (x - painting)|^2)``.
        memory: shape ``(paintings, 8)``, zero for paintings never met.
        leaning: shape ``(8,)``.
        choice: how it was fitted.
    """

    attention: Matrix
    memory: Matrix
    leaning: Matrix
    choice: Choice

    def logits(self, asked: Matrix, paintings: Matrix) -> Matrix:
        """Logits, shape ``(n, 8)``; ``asked`` ``(n, d)`` and ``paintings`` are standardised reports."""
        kernel = rational_quadratic(squared_distances(asked * self.attention, paintings * self.attention))
        return kernel @ self.memory + self.leaning


def read_others(
    reports: Matrix, scores: Matrix, ridges: Sequence[float] = (0.1, 0.3, 1.0, 3.0)
) -> tuple[Matrix, Matrix, Matrix]:
    """Learn to predict other people's scores from reports, each by a ridge regression of its own.

    Every block counts the same. The ridge, as a multiple of the kernel's mean diagonal, is chosen by
    leave-one-out correlation.

    Args:
        reports: shape ``(n, 4416)``.
        scores: shape ``(n, k)``, NaN where unknown.

    Returns:
        weights ``(4416, k)`` and offsets ``(k,)``, for raw reports, and the leave-one-out correlations ``(k,)``.
    """
    centre, spread = reports.mean(0), reports.std(0) + 1e-3
    loud = block_weights(ALL_BLOCKS) / spread**2
    plain = reports - centre
    kernel = (plain * loud) @ plain.T
    weights, offsets, fits = [], [], []
    for score in scores.T:
        known = np.isfinite(score)
        inner, mean = kernel[np.ix_(known, known)], score[known].mean()
        rest = score[known] - mean
        best: tuple[float, Matrix] = (-np.inf, np.zeros(known.sum()))
        for ridge in ridges:
            inverse = np.linalg.inv(inner + ridge * np.trace(inner) / known.sum() * np.eye(known.sum()))
            dual = inverse @ rest
            predicted = rest - dual / np.diag(inverse)
            correlation = float(np.corrcoef(predicted, rest)[0, 1]) if rest.std() > 0 else 0.0
            best = max(best, (correlation, dual), key=lambda pair: pair[0])
        column = loud * (plain[known].T @ best[1])
        weights.append(column)
        offsets.append(mean - centre @ column)
        fits.append(best[0])
    return np.stack(weights, 1), np.array(offsets), np.array(fits)


def block_weights(blocks: Sequence[int]) -> Matrix:
    """A weight for every report, shape ``(4416,)``: each block heard has 1 in all, the others 0."""
    return np.concatenate(
        [
            np.full(width, (number in blocks) / width)
            for number, width in enumerate(JURY_FEATURE_WIDTHS, start=1)
        ]
    )


def attention(life: JurorConfig, others: int, others_weight: float, seed: int) -> Matrix:
    """Squared weights of reports and readings in a juror's distances, shape ``(4416 + others,)``."""
    weights = block_weights(life.blocks)
    if life.eyes is not None:
        chance = np.random.default_rng([seed, 3, life.eyes])
        # All that is said of a map comes from the same eye.
        load_extractors = [np.tile(chance.permutation(width) < width // 2, 3) for width in BLOCK_WIDTHS]
        weights = 2 * weights * np.concatenate(load_extractors)
    readings = np.full(others, others_weight / others if life.others and others else 0.0)
    return np.concatenate([weights, readings])


def met(life: JurorConfig, count: int, seed: int) -> NDArray[np.int64]:
    """Which of ``count`` paintings a juror met, with repetitions, shape ``(count,)``."""
    if life.childhood is None:
        return np.arange(count)
    chosen: NDArray[np.int64] = np.random.default_rng([seed, 2, life.childhood]).integers(0, count, count)
    return chosen


def wanted(shares: Matrix, labels: str) -> Matrix:
    """What a juror is told: the shares, or all on the one that came first."""
    return np.eye(len(NAMES))[shares.argmax(1)] if labels == "argmax" else shares


def fit_jury(
    paintings: Matrix, shares: Matrix, config: JuryConfig, lives: Sequence[JurorConfig] = LIVES
) -> list[FittedJuror]:
    """Fit jurors on paintings; all choices are made inside them.

    Inner splits part paintings, so that one met twice never stands on both sides; those that a juror never met
    are asked about, too.

    Args:
        paintings: standardised reports and readings, shape ``(n, 4416 + others)``.
        shares: shape ``(n, 8)``.
    """
    # These matrices are small: threads would only get in each other's way.
    with threadpool_limits(limits=1, user_api="blas"):
        return _fit_jury(paintings, shares, config, lives)


def _fit_jury(
    paintings: Matrix, shares: Matrix, config: JuryConfig, lives: Sequence[JurorConfig]
) -> list[FittedJuror]:
    others = paintings.shape[1] - sum(JURY_FEATURE_WIDTHS)
    count = len(paintings)
    places = np.empty(count, np.int64)
    places[np.random.default_rng([config.seed, 1]).permutation(count)] = np.arange(count) % config.inner_folds
    settings = tuple(product(config.ridges, config.geometries))
    jury: list[FittedJuror] = []
    for life in lives:
        told = wanted(shares, life.labels)
        rows = met(life, count, config.seed)
        squared = attention(life, others, config.others_weight, config.seed)
        looks = paintings * np.sqrt(squared)
        distances = squared_distances(looks, looks)
        scale = config.sharpness / float(np.median(distances))
        kernel = rational_quadratic(scale * distances)

        def fits(
            inside: NDArray[np.int64], pairs: Pairs, kernel: Matrix = kernel, told: Matrix = told
        ) -> list[Fit]:
            basis = decompose(kernel[np.ix_(inside, inside)])
            return [
                fit(basis, told[inside], ridge, label_geometry(told[inside], power), steps=STEPS)
                for ridge, power in pairs
            ]

        logits = np.empty((len(settings), *shares.shape))
        for fold in range(config.inner_folds):
            inside, outside = rows[places[rows] != fold], np.flatnonzero(places == fold)
            for number, found in enumerate(fits(inside, settings)):
                logits[number, outside] = found.logits(kernel[np.ix_(outside, inside)])
        kept, meant = settings, logits.mean(0)
        if config.chosen:
            best = int(np.argmin([surprise(told, each) for each in logits]))
            kept, meant = settings[best : best + 1], logits[best]
        # Choices are made by what the juror was told; its temperature makes shares mean the same for all.
        choice = Choice(kept, fit_temperature(meant, shares), surprise(told, meant))
        memories, leanings = zip(
            *(_gathered(found, rows, count, choice.temperature) for found in fits(rows, kept)), strict=True
        )
        jury.append(FittedJuror(np.sqrt(squared * scale), np.mean(memories, 0), np.mean(leanings, 0), choice))
    return jury


def surprise(told: Matrix, logits: Matrix) -> float:
    """Mean cross-entropy of logits with what was told, in nats; shapes ``(n, 8)``."""
    return float(-(told * log_softmax(logits, axis=1)).sum(1).mean())


def _gathered(found: Fit, rows: NDArray[np.int64], count: int, temperature: float) -> tuple[Matrix, Matrix]:
    memory = np.zeros((count, found.memory.shape[1]))
    np.add.at(memory, rows, found.memory)
    return memory / temperature, found.leaning / temperature

"""How jurors come to feel: their lives, and the fit of each on what the trunk reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits

from albumjudge.emotions import NAMES
from albumjudge.jury import JURY_WIDTHS
from albumjudge.vgg import BLOCK_WIDTHS
from training.kernel_softmax import (
    Basis,
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


@dataclass(frozen=True)
class Life:
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


LIVES: tuple[Life, ...] = (
    Life("the well-read", "Met every painting, heard every vote, and knows what people felt before others."),
    Life("the homebody", "Knows no paintings but these.", others=False),
    Life("the majority’s friend", "Was only ever told which feeling won the vote.", labels="argmax"),
    Life("the colourist", "Sees colour and texture, never what they add up to.", blocks=(1, 2, 3)),
    Life("the reader of shapes", "Sees what things might be, hardly their colours.", blocks=(4, 5)),
    Life("one childhood", "Grew up with a random part of the paintings, some met twice.", childhood=1),
    Life("another childhood", "Grew up with another random part of them.", childhood=2),
    Life("the half-sighted", "Was born with a random half of the network’s eyes.", eyes=1),
)


@dataclass(frozen=True)
class JuryConfig:
    """Everything that decides a jury, together with the data.

    Of each tuple one value is chosen inside the training paintings, by their own cross-validation.

    Attributes:
        size: side in pixels at which the trunk sees a picture.
        ridges: weight of the function's squared norm.
        sharpness: the kernel is ``1 / (1 + sharpness * squared distance / median squared distance)``.
        others_weight: how loud the readings from other paintings are; each of the five blocks has 1, so that
            5 is as loud as all of these together.
        geometries: power of the labels' covariance, see :func:`training.kernel_softmax.label_geometry`.
        inner_folds: of the cross-validation inside the training paintings.
        seed: of folds, childhoods and eyes.
    """

    size: int = 96
    ridges: tuple[float, ...] = (1.5e-4, 3e-4, 6e-4, 1.2e-3)
    sharpness: tuple[float, ...] = (0.3, 1.0)
    others_weight: float = 5.0
    geometries: tuple[float, ...] = (0.5, 1.0)
    inner_folds: int = 5
    seed: int = 2010


@dataclass(frozen=True)
class Choice:
    """What was chosen for a juror, and the mean inner cross-entropy in nats that it won with."""

    ridge: float
    sharpness: float
    geometry: float
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
        [np.full(width, (number in blocks) / width) for number, width in enumerate(JURY_WIDTHS, start=1)]
    )


def attention(life: Life, others: int, others_weight: float, seed: int) -> Matrix:
    """Squared weights of reports and readings in a juror's distances, shape ``(4416 + others,)``."""
    weights = block_weights(life.blocks)
    if life.eyes is not None:
        chance = np.random.default_rng([seed, 3, life.eyes])
        # All that is said of a map comes from the same eye.
        open_eyes = [np.tile(chance.permutation(width) < width // 2, 3) for width in BLOCK_WIDTHS]
        weights = 2 * weights * np.concatenate(open_eyes)
    readings = np.full(others, others_weight / others if life.others and others else 0.0)
    return np.concatenate([weights, readings])


def met(life: Life, count: int, seed: int) -> NDArray[np.int64]:
    """Which of ``count`` paintings a juror met, with repetitions, shape ``(count,)``."""
    if life.childhood is None:
        return np.arange(count)
    chosen: NDArray[np.int64] = np.random.default_rng([seed, 2, life.childhood]).integers(0, count, count)
    return chosen


def wanted(shares: Matrix, labels: str) -> Matrix:
    """What a juror is told: the shares, or all on the one that came first."""
    return np.eye(len(NAMES))[shares.argmax(1)] if labels == "argmax" else shares


def fit_jury(
    paintings: Matrix, shares: Matrix, config: JuryConfig, lives: Sequence[Life] = LIVES
) -> list[FittedJuror]:
    """Fit jurors on paintings; all choices are made inside them.

    The first juror's life has to be an undivided one: what is chosen for it (sharpness, geometry) holds for all.
    Each other finds a ridge and a temperature of its own. Inner splits part paintings, so that one met twice
    never stands on both sides; those that a juror never met are asked about, too.

    Args:
        paintings: standardised reports and readings, shape ``(n, 4416 + others)``.
        shares: shape ``(n, 8)``.
    """
    # These matrices are small: threads would only get in each other's way.
    with threadpool_limits(limits=1, user_api="blas"):
        return _fit_jury(paintings, shares, config, lives)


def _fit_jury(
    paintings: Matrix, shares: Matrix, config: JuryConfig, lives: Sequence[Life]
) -> list[FittedJuror]:
    others = paintings.shape[1] - sum(JURY_WIDTHS)
    count = len(paintings)
    places = np.empty(count, np.int64)
    places[np.random.default_rng([config.seed, 1]).permutation(count)] = np.arange(count) % config.inner_folds
    jury: list[FittedJuror] = []
    for life in lives:
        if not jury:
            grid = list(product(config.sharpness, config.geometries, config.ridges))
        else:
            first = jury[0].choice
            grid = [(first.sharpness, first.geometry, ridge) for ridge in config.ridges]
        told = wanted(shares, life.labels)
        squared = attention(life, others, config.others_weight, config.seed)
        looks = paintings * np.sqrt(squared)
        distances = squared_distances(looks, looks)
        middle = float(np.median(distances))
        bases: dict[tuple[float, int], Basis] = {}
        best: Choice | None = None
        rows = met(life, count, config.seed)
        for sharpness, power, ridge in grid:
            kernel = rational_quadratic(sharpness / middle * distances)
            logits = np.empty_like(shares)
            for fold in range(config.inner_folds):
                inside, outside = rows[places[rows] != fold], np.flatnonzero(places == fold)
                key = (sharpness, fold)
                if key not in bases:
                    bases[key] = decompose(kernel[np.ix_(inside, inside)])
                found = fit(
                    bases[key],
                    told[inside],
                    ridge,
                    label_geometry(told[inside], power),
                    steps=50,
                )
                logits[outside] = found.logits(kernel[np.ix_(outside, inside)])
            # Choices are made by what the juror was told; its temperature makes shares mean the same for all.
            temperature = fit_temperature(logits, shares)
            score = float(-(told * log_softmax(logits, axis=1)).sum(1).mean())
            if best is None or score < best.score:
                best = Choice(ridge, sharpness, power, temperature, score)
        assert best is not None
        scale = best.sharpness / middle
        kernel = rational_quadratic(scale * distances)
        found = fit(
            kernel[np.ix_(rows, rows)], told[rows], best.ridge, label_geometry(told[rows], best.geometry)
        )
        jury.append(
            FittedJuror(np.sqrt(squared * scale), *_gathered(found, rows, count, best.temperature), best)
        )
    return jury


def _gathered(found: Fit, rows: NDArray[np.int64], count: int, temperature: float) -> tuple[Matrix, Matrix]:
    memory = np.zeros((count, found.memory.shape[1]))
    np.add.at(memory, rows, found.memory)
    return memory / temperature, found.leaning / temperature

"""Jurors: their configurations, and the fit of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from albumjudge.domain.emotions import NAMES
from training.judge.kernel_regression import (
    Fit,
    Matrix,
    decompose,
    fit_multinomial,
    label_geometry,
    rational_quadratic,
    squared_distances,
)
from training.judge.label_conversion import to_shares
from training.judge.pictures import Pictures, group_weights


@dataclass(frozen=True)
class JurorConfig:
    """What sets a juror apart.

    Attributes:
        name, description: for visitors.
        labels: ``distribution`` trains on the shares of all votes, ``argmax`` only on the first emotion.
        blocks: of the network whose features it has.
        abstract_share: part of the abstract paintings in the loss; at 1 there are no other paintings in it, at
            0 no abstract ones.
        scales: whether predicted scales of the other paintings are among its inputs.
        separation: weight of the kernel within a domain, where the shared kernel has 1; a juror that knows one
            domain alone falls back on the mean before pictures of the other.
        bootstrap: seed of a draw of training pictures with replacement; None takes each once.
        temperature: divides the logits.
    """

    name: str
    description: str
    labels: str = "distribution"
    blocks: tuple[int, ...] = (1, 2, 3, 4, 5)
    abstract_share: float = 0.5
    scales: bool = True
    separation: float = 3.0
    bootstrap: int | None = None
    temperature: float = 1.0


JURORS: tuple[JurorConfig, ...] = (
    JurorConfig(
        "the well-read", "Met every painting, heard every vote, and knows what people felt before others."
    ),
    JurorConfig("the homebody", "Knows no paintings but these.", abstract_share=1.0, scales=False),
    JurorConfig(
        "the majority’s friend", "Was only ever told which feeling won the vote.", "argmax", temperature=2.0
    ),
    JurorConfig("the colourist", "Sees colour and texture, never what they add up to.", blocks=(1, 2, 3)),
    JurorConfig("the reader of shapes", "Sees what things might be, hardly their colours.", blocks=(4, 5)),
    JurorConfig("one childhood", "Grew up with a random part of the paintings, some met twice.", bootstrap=1),
    JurorConfig("another childhood", "Grew up with another random part of them.", bootstrap=2),
    JurorConfig("the traveller", "Hardly knows these paintings, but many others.", abstract_share=0.2),
)


@dataclass(frozen=True)
class JuryConfig:
    """Everything else that decides a jury, together with the data.

    Attributes:
        size: side in pixels at which the network sees a picture.
        ridge: weight of the functions' squared norm.
        domain_ridge: the same for the classifier of domains.
        sharpness: of the kernel ``1 / (1 + sharpness * squared distance / median squared distance)``.
        scales_weight: of predicted scales in the distance, where a block of features has 1.
        seed: of the bootstraps.
    """

    size: int = 64
    ridge: float = 1e-4
    domain_ridge: float = 1e-5
    sharpness: float = 0.5
    scales_weight: float = 3.0
    seed: int = 2010


@dataclass(frozen=True)
class FittedJuror:
    """Attributes as in :class:`albumjudge.models.multitask_jury.MultitaskJury`, for all pictures as landmarks."""

    attention: Matrix
    separation: float
    fit: Fit


@dataclass(frozen=True)
class FittedJury:
    """A jury fitted on rows of pictures: the domain classifier's fit, and the jurors."""

    rows: NDArray[np.int64]
    domain: Fit
    jurors: tuple[FittedJuror, ...]

    def predict(self, pictures: Pictures, rows: NDArray[np.int64]) -> Matrix:
        """Each juror's shares for whole pictures, shape ``(jurors, len(rows), 8)``."""
        distances = pictures.test_distances[:, rows[:, None], self.rows]
        scales = squared_distances(pictures.test_scales[rows], pictures.train_scales[self.rows])
        kernel = rational_quadratic(np.tensordot(pictures.scale_attention, distances, 1))
        domain = softmax(self.domain.logits(kernel), axis=1)[:, :1]
        abstract = self.rows < pictures.count
        same = domain * abstract + (1 - domain) * ~abstract
        stacked = np.concatenate([distances, scales[None]])
        return np.stack(
            [
                softmax(
                    juror.fit.logits(
                        rational_quadratic(np.tensordot(juror.attention, stacked, 1))
                        * (1 + juror.separation * same)
                        / (1 + juror.separation)
                    ),
                    axis=1,
                )
                for juror in self.jurors
            ]
        )


def training_labels(shares: Matrix, labels: str) -> Matrix:
    """Shares of shape ``(n, 8)`` as trained on; ``argmax`` puts all on the first of the largest."""
    return np.eye(len(NAMES))[shares.argmax(1)] if labels == "argmax" else shares


def importance(config: JurorConfig, abstract: NDArray[np.bool_], seed: int) -> Matrix:
    """Weight of each training picture in a juror's loss, shape ``(n,)``, adding up to one."""
    weights = np.ones(len(abstract))
    if config.bootstrap is not None:
        chance = np.random.default_rng([seed, 2, config.bootstrap])
        for group in (abstract, ~abstract):
            weights[group] = chance.multinomial(group.sum(), np.full(group.sum(), 1 / max(group.sum(), 1)))
    for group, mass in ((abstract, config.abstract_share), (~abstract, 1 - config.abstract_share)):
        weights[group] *= mass / max(weights[group].sum(), 1e-12)
    whole: Matrix = weights / weights.sum()
    return whole


def fit_domain(pictures: Pictures, rows: NDArray[np.int64], ridge: float) -> Fit:
    """Fit the classifier that tells abstract paintings (class 0) from others, each half of the loss."""
    abstract = rows < pictures.count
    between = pictures.train_distances[:, rows[:, None], rows]
    kernel = rational_quadratic(np.tensordot(pictures.scale_attention, between, 1))
    labels = np.column_stack([abstract, ~abstract]).astype(float)
    weights = labels @ (0.5 / labels.sum(0))
    return fit_multinomial(decompose(kernel), labels, ridge, np.eye(2), importance=weights)


def fit_jury(
    pictures: Pictures,
    abstract_rows: NDArray[np.int64],
    config: JuryConfig,
    configs: Sequence[JurorConfig] = JURORS,
) -> FittedJury:
    """Fit jurors on some abstract paintings and on the other paintings that are not held out."""
    # These matrices are small: threads would only get in each other's way.
    with threadpool_limits(limits=1, user_api="blas"):
        rows = np.r_[abstract_rows, pictures.train_others]
        domain = fit_domain(pictures, rows, config.domain_ridge)
        factors: dict[bytes, Matrix] = {}
        jurors = tuple(_fit_juror(pictures, rows, config, juror, factors) for juror in configs)
    return FittedJury(rows, domain, jurors)


def _fit_juror(
    pictures: Pictures,
    rows: NDArray[np.int64],
    config: JuryConfig,
    juror: JurorConfig,
    factors: dict[bytes, Matrix],
) -> FittedJuror:
    """Fit one juror; ``factors`` keeps those of kernels, which several jurors may share."""
    abstract = rows < pictures.count
    votes = pictures.shares[rows[abstract]]
    converted = to_shares(pictures.columns, pictures.scores, votes.mean(0), pictures.parts > 0)
    shares = np.concatenate([votes, converted[rows[~abstract] - pictures.count]])
    weights = np.append(
        group_weights(juror.blocks), juror.scales * config.scales_weight / pictures.train_scales.shape[1]
    )
    used = np.flatnonzero(np.where(abstract, juror.abstract_share > 0, juror.abstract_share < 1))
    few, domain = rows[used], abstract[used]
    scales = squared_distances(pictures.train_scales[few], pictures.train_scales[few])
    distances = (
        np.tensordot(weights[:-1], pictures.train_distances[:, few[:, None], few], 1) + weights[-1] * scales
    )
    median = np.median(distances[domain][:, domain] if domain.any() else distances)
    scale = config.sharpness / float(median)
    key = np.array([*weights, juror.separation, len(used)]).tobytes()
    if key not in factors:
        kernel = rational_quadratic(scale * distances) * (1 + juror.separation * (domain[:, None] == domain))
        factors[key] = decompose(kernel / (1 + juror.separation))
    found = fit_multinomial(
        factors[key],
        training_labels(shares[used], juror.labels),
        config.ridge,
        label_geometry(votes),
        importance=importance(juror, abstract, config.seed)[used],
    )
    spread = np.zeros(shares.shape)
    spread[used] = found.weights
    return FittedJuror(
        weights * scale, juror.separation, Fit(spread / juror.temperature, found.bias / juror.temperature)
    )

"""Jurors: their configurations, and the fit of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
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
from training.metrics.distributions import POSITIVE


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
        temperature: divides the logits.
        ridge: weight of the function's squared norm.
    """

    name: str
    description: str
    labels: str = "distribution"
    blocks: tuple[int, ...] = (1, 2, 3, 4, 5)
    abstract_share: float = 0.5
    scales: bool = True
    separation: float = 1.0
    temperature: float = 1.0
    ridge: float = 1e-4


JURORS: tuple[JurorConfig, ...] = (
    JurorConfig(
        "the well-read", "Met every painting, heard every vote, and knows what people felt before others."
    ),
    JurorConfig(
        "the homebody",
        "Knows no paintings but these.",
        abstract_share=1.0,
        scales=False,
        separation=0.0,
        ridge=2e-4,
    ),
    JurorConfig(
        "the majority’s friend", "Was only ever told which feeling won the vote.", "argmax", temperature=2.0
    ),
    JurorConfig("the colourist", "Sees colour and texture, never what they add up to.", blocks=(1, 2, 3)),
    JurorConfig("the reader of shapes", "Sees what things might be, hardly their colours.", blocks=(3, 4)),
    JurorConfig(
        "the listener",
        "Met only these paintings, but was told what people felt before others.",
        abstract_share=1.0,
        separation=0.0,
        ridge=2e-4,
    ),
    JurorConfig(
        "the storyteller",
        "As the listener, but sees only what things might be.",
        blocks=(3, 4),
        abstract_share=1.0,
        separation=0.0,
        ridge=2e-4,
    ),
    JurorConfig(
        "the traveller",
        "Hardly knows these paintings, but many others.",
        blocks=(4, 5),
        abstract_share=0.2,
        separation=0.0,
    ),
)


@dataclass(frozen=True)
class JuryConfig:
    """Everything else that decides a jury, together with the data.

    Attributes:
        size: side in pixels at which the network sees a picture.
        domain_ridge: weight of the squared norm of the function that tells domains apart.
        sharpness: of the kernel ``1 / (1 + sharpness * squared distance / median squared distance)``.
        scales_weight: of predicted scales in the distance, where a block of features has 1.
        valence_shift: by how much a standard deviation of predicted valence moves the log odds of pleasant
            emotions, of jurors that know scales and before pictures of the other domain.
        weights_ridge: weight of squared differences of jurors' weights from equal ones.
        seed: of the folds that weights are chosen in.
    """

    size: int = 64
    domain_ridge: float = 1e-6
    sharpness: float = 0.5
    scales_weight: float = 3.0
    valence_shift: float = 0.1
    weights_ridge: float = 0.01
    seed: int = 2010


@dataclass(frozen=True)
class FittedJuror:
    """Attributes as in :class:`albumjudge.models.multitask_jury.MultitaskJury`, for all pictures as landmarks."""

    attention: Matrix
    separation: float
    valence_shift: float
    fit: Fit


@dataclass(frozen=True)
class FittedJury:
    """A jury fitted on rows of pictures.

    Attributes:
        rows: that it was fitted on.
        domain: the domain classifier's fit.
        jurors: their fits.
        weights: of jurors in the verdict, before abstract paintings and before others, shape ``(2, jurors)``.
    """

    rows: NDArray[np.int64]
    domain: Fit
    jurors: tuple[FittedJuror, ...]
    weights: Matrix

    def ask(self, pictures: Pictures, rows: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
        """Each juror's shares for whole pictures, ``(jurors, n, 8)``; and how abstract pictures are, ``(n,)``."""
        distances = pictures.test_distances[:, rows[:, None], self.rows]
        scales = squared_distances(pictures.test_scales[rows], pictures.train_scales[self.rows])
        kernel = rational_quadratic(np.tensordot(pictures.domain_attention, distances, 1))
        domain = softmax(self.domain.logits(kernel), axis=1)[:, :1]
        abstract = self.rows < pictures.count
        same = domain * abstract + (1 - domain) * ~abstract
        stacked = np.concatenate([distances, scales[None]])
        pleasant = (1 - domain) * pictures.test_scales[rows, -1:] * np.where(POSITIVE, 0.5, -0.5)
        logits = [
            juror.fit.logits(
                rational_quadratic(np.tensordot(juror.attention, stacked, 1))
                * (1 + juror.separation * same)
                / (1 + juror.separation)
            )
            + juror.valence_shift * pleasant
            for juror in self.jurors
        ]
        return softmax(np.stack(logits), axis=2), domain[:, 0]

    def predict(self, pictures: Pictures, rows: NDArray[np.int64]) -> Matrix:
        """The jury's shares for whole pictures, then each juror's, shape ``(1 + jurors, n, 8)``."""
        said, domain = self.ask(pictures, rows)
        return np.concatenate([mix(said, domain, self.weights)[None], said])


def mix(said: Matrix, domain: Matrix, weights: Matrix) -> Matrix:
    """Jurors' shares, ``(jurors, n, 8)``, weighed by each picture's domain, ``(n,)``: shape ``(n, 8)``."""
    mixed: Matrix = np.einsum("dn,dj,jne->ne", np.stack([domain, 1 - domain]), weights, said)
    return mixed


def training_labels(shares: Matrix, labels: str) -> Matrix:
    """Shares of shape ``(n, 8)`` as trained on; ``argmax`` puts all on the first of the largest."""
    return np.eye(len(NAMES))[shares.argmax(1)] if labels == "argmax" else shares


def importance(abstract_share: float, abstract: NDArray[np.bool_]) -> Matrix:
    """Weight of each training picture in a loss, shape ``(n,)``, one in all, so much of it abstract paintings."""
    masses = np.where(abstract, abstract_share / max(abstract.sum(), 1), 0.0)
    masses += np.where(abstract, 0.0, (1 - abstract_share) / max((~abstract).sum(), 1))
    whole: Matrix = masses / masses.sum()
    return whole


def fit_domain(pictures: Pictures, rows: NDArray[np.int64], ridge: float) -> Fit:
    """Fit the classifier that tells abstract paintings (class 0) from others, each half of the loss."""
    abstract = rows < pictures.count
    between = pictures.train_distances[:, rows[:, None], rows]
    kernel = rational_quadratic(np.tensordot(pictures.domain_attention, between, 1))
    labels = np.column_stack([abstract, ~abstract]).astype(float)
    weights = importance(0.5, abstract)
    return fit_multinomial(decompose(kernel), labels, ridge, np.eye(2), importance=weights)


def fit_jury(
    pictures: Pictures,
    abstract_rows: NDArray[np.int64],
    config: JuryConfig,
    configs: Sequence[JurorConfig] = JURORS,
) -> FittedJury:
    """Fit jurors and their weights on some abstract paintings and the other paintings that are not held out."""
    # These matrices are small: threads would only get in each other's way.
    with threadpool_limits(limits=1, user_api="blas"):
        weights = np.ones((2, 1))
        if len(configs) > 1:
            weights = choose_weights(pictures, abstract_rows, config, configs)
        return _fit_jurors(pictures, abstract_rows, config, configs, weights)


def choose_weights(
    pictures: Pictures, abstract_rows: NDArray[np.int64], config: JuryConfig, configs: Sequence[JurorConfig]
) -> Matrix:
    """Weights of jurors, ``(2, jurors)``, by cross-validation among the pictures that are trained on."""
    folds = np.random.default_rng([config.seed, 3]).permutation(len(abstract_rows)) % len(pictures.inner)
    said: tuple[list[Matrix], list[Matrix]] = [], []
    true: tuple[list[Matrix], list[Matrix]] = [], []
    for number, inner in enumerate(pictures.inner):
        train, test = abstract_rows[folds != number], abstract_rows[folds == number]
        fitted = _fit_jurors(inner, train, config, configs, np.ones((2, len(configs))))
        votes = inner.shares[train].mean(0)
        others = to_shares(inner.columns, inner.scores, votes, inner.parts > 0)[inner.parts == 0]
        for kind, (rows, shares) in enumerate(((test, inner.shares[test]), (inner.test_others, others))):
            said[kind].append(fitted.ask(inner, rows)[0])
            true[kind].append(shares)
    return np.stack(
        [
            fit_weights(np.concatenate(each, 1), np.concatenate(shares), config.weights_ridge)
            for each, shares in zip(said, true, strict=True)
        ]
    )


def fit_weights(said: Matrix, shares: Matrix, ridge: float) -> Matrix:
    """Minimise a mixture's mean cross-entropy plus ``ridge`` times squared differences from equal weights.

    Args:
        said: each juror's shares, ``(jurors, n, 8)``.
        shares: people's, ``(n, 8)``.

    Returns:
        shape ``(jurors,)``, one in all.
    """
    count = len(said)

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        weights = softmax(flat)
        mixed, apart = np.tensordot(weights, said, 1), weights - 1 / count
        slope = 2 * ridge * apart - np.tensordot(said, shares / mixed, 2) / len(shares)
        value = ridge * (apart**2).sum() - (shares * np.log(mixed)).sum() / len(shares)
        return float(value), weights * (slope - weights @ slope)

    weights: Matrix = softmax(minimize(loss, np.zeros(count), jac=True, method="L-BFGS-B").x)
    return weights


def _fit_jurors(
    pictures: Pictures,
    abstract_rows: NDArray[np.int64],
    config: JuryConfig,
    configs: Sequence[JurorConfig],
    weights: Matrix,
) -> FittedJury:
    rows = np.r_[abstract_rows, pictures.train_others]
    factors: dict[bytes, Matrix] = {}
    jurors = tuple(_fit_juror(pictures, rows, config, juror, factors) for juror in configs)
    return FittedJury(rows, fit_domain(pictures, rows, config.domain_ridge), jurors, weights)


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
        juror.ridge,
        label_geometry(votes),
        importance=importance(juror.abstract_share, abstract)[used],
    )
    spread = np.zeros(shares.shape)
    spread[used] = found.weights
    return FittedJuror(
        weights * scale,
        juror.separation,
        juror.scales * config.valence_shift,
        Fit(spread / juror.temperature, found.bias / juror.temperature),
    )

"""Everything that the benchmark compares: the jury, others' methods, and variants of the jury.

A method takes rows of pictures to train on and to test on and returns predicted shares, shape ``(k, tests, 8)``:
k is 1, or that of a jury and its jurors. A rival takes ``train`` and ``test``, features of shapes ``(m, d)`` and
``(n, d)``, and the ``shares`` of the former, ``(m, 8)``. What it has to choose, it chooses by five-fold
cross-validation among the paintings it learns from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from scipy.stats import spearmanr
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVR
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from albumjudge.models.vgg16 import FEATURE_WIDTHS
from training.judge.features import means_and_maxima
from training.judge.jurors import JURORS, JurorConfig, JuryConfig, fit_jury
from training.judge.kernel_regression import Matrix, decompose, fit_multinomial
from training.judge.pictures import Pictures
from training.metrics.distributions import Shares

Rows = NDArray[np.int64]
Method = Callable[[Rows, Rows], Matrix]
Rival = Callable[[Matrix, Matrix, Matrix], Matrix]
NEIGHBOURS = (3, 5, 10, 20, 40)
RIDGES = (1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)
INNER_FOLDS = 5


def lite_features(pixels: NDArray[np.uint8], out: Path) -> Matrix:
    """Mean and maximum of EfficientNet-lite0's maps at 224 pixels, square roots, shape ``(n, 992)``."""
    from training.metrics.efficientnet import LiteFeatures

    file = out / "lite.npy"
    if file.is_file():
        kept: Matrix = np.load(file)
        if len(kept) == len(pixels):
            return kept
    network, found = LiteFeatures(224), []
    with torch.inference_mode():
        for part in tqdm(np.array_split(pixels, max(1, len(pixels) // 16)), desc="lite0", mininterval=10):
            images = torch.from_numpy(np.ascontiguousarray(part)).permute(0, 3, 1, 2).float() / 127.5 - 1
            maps = network(images)
            found.append(torch.cat([torch.cat([m.mean((2, 3)), m.amax((2, 3))], 1) for m in maps], 1))
    features: Matrix = torch.cat(found).double().numpy()
    features = np.sign(features) * np.sqrt(np.abs(features))
    out.mkdir(parents=True, exist_ok=True)
    np.save(file, features)
    return features


def always_the_mean(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """The mean of the shares."""
    return np.tile(shares.mean(0), (len(test), 1))


def majority(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """All on the emotion that most often comes first."""
    most = np.bincount(shares.argmax(1), minlength=shares.shape[1]).argmax()
    return np.tile(np.eye(shares.shape[1])[most], (len(test), 1))


def nearest_neighbours(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """AA-kNN (Geng 2016): the mean over the k nearest paintings."""

    def predict(few: Matrix, others: Matrix, few_shares: Matrix, k: float) -> Matrix:
        found = NearestNeighbors(n_neighbors=int(k)).fit(few).kneighbors(others, return_distance=False)
        mean: Matrix = few_shares[found].mean(1)
        return mean

    smallest = len(train) * (INNER_FOLDS - 1) // INNER_FOLDS
    options = [k for k in NEIGHBOURS if k <= smallest] or [1]
    return predict(*standardise(train, test), shares, choose(predict, train, shares, options))


def sa_bfgs(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """SA-BFGS (Geng 2016): a maximum entropy model fitted by BFGS without any restraint.

    Here by the limited-memory variant, as the full one keeps a matrix of (8 d)^2 numbers.
    """
    few, others = standardise(train, test)
    features = np.column_stack([few, np.ones(len(few))])

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        logs = log_softmax(features @ flat.reshape(features.shape[1], -1), axis=1)
        slope = features.T @ (np.exp(logs) * shares.sum(1, keepdims=True) - shares)
        return float(-(shares * logs).sum()), slope.ravel()

    start = np.zeros(features.shape[1] * shares.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    weights = found.reshape(features.shape[1], -1)
    predicted: Matrix = softmax(np.column_stack([others, np.ones(len(others))]) @ weights, axis=1)
    return predicted


def linear_probe(train: Matrix, test: Matrix, shares: Matrix) -> Matrix:
    """A linear softmax on frozen features, with a ridge."""

    def predict(few: Matrix, others: Matrix, few_shares: Matrix, ridge: float) -> Matrix:
        width = few.shape[1] / 5
        found = fit_multinomial(decompose(few @ few.T / width), few_shares, ridge, np.eye(shares.shape[1]))
        predicted: Matrix = softmax(found.logits(others @ few.T / width), axis=1)
        return predicted

    return predict(*standardise(train, test), shares, choose(predict, train, shares, RIDGES))


def standardise(train: Matrix, test: Matrix) -> tuple[Matrix, Matrix]:
    """Zero mean and unit spread over the paintings train from."""
    centre, spread = train.mean(0), train.std(0) + 1e-3
    return (train - centre) / spread, (test - centre) / spread


def choose(
    predict: Callable[[Matrix, Matrix, Matrix, float], Matrix],
    train: Matrix,
    shares: Matrix,
    options: Sequence[float],
) -> float:
    """The option with the smallest cross-entropy in five folds of the paintings train from."""
    places = np.arange(len(train)) % INNER_FOLDS
    losses = np.zeros(len(options))
    for fold in range(INNER_FOLDS):
        inside, outside = places != fold, places == fold
        few, others = standardise(train[inside], train[outside])
        for number, option in enumerate(options):
            predicted = predict(few, others, shares[inside], option)
            losses[number] -= (shares[outside] * np.log(predicted + 1e-6)).sum()
    return options[int(losses.argmin())]


def jury_method(
    pictures: Pictures, config: JuryConfig, jurors: Sequence[JurorConfig], train: Rows, test: Rows
) -> Matrix:
    """The jury's shares for whole, unmirrored pictures, then each juror's, ``(1 + jurors, tests, 8)``."""
    return fit_jury(pictures, train, config, jurors).predict(pictures, test)


def rival_method(features: Matrix, rival: Rival, shares: Shares, train: Rows, test: Rows) -> Matrix:
    """A rival, trained on the abstract paintings alone."""
    with threadpool_limits(limits=1, user_api="blas"):
        return rival(features[train], features[test], shares[train])[None]


def methods(
    pictures: Pictures, lite: Matrix, config: JuryConfig, seed_recipe: Method | None, *, ablations: bool
) -> dict[str, Method]:
    """All methods by row id."""
    features = means_and_maxima(pictures.raw[0])
    last = features[:, -FEATURE_WIDTHS[-1] : -FEATURE_WIDTHS[-1] // 2]
    rivals: dict[str, tuple[Matrix, Rival]] = {
        "mean_prediction": (last, always_the_mean),
        "always the majority’s emotion": (last, majority),
        "k nearest neighbours (AA-kNN)": (features, nearest_neighbours),
        "SA-BFGS on conv5_3": (last, sa_bfgs),
        "linear_probe": (features, linear_probe),
        "rival: EfficientNet-lite0 probe": (lite, linear_probe),
    }
    found: dict[str, Method] = {
        name: partial(rival_method, each, rival, pictures.shares) for name, (each, rival) in rivals.items()
    }
    if seed_recipe:
        found["seed_recipe"] = seed_recipe
    found["jury"] = partial(jury_method, pictures, config, JURORS)
    changes: dict[str, dict[str, float | bool]] = {
        "without scales": {"scales": False},
        "without a domain classifier": {"separation": 0.0},
        "abstract paintings alone": {"abstract_share": 1.0},
        "other paintings alone": {"abstract_share": 0.0},
    }
    for name, change in changes.items() if ablations else ():
        juror = replace(JURORS[0], **change)  # type: ignore[arg-type]
        found[f"one juror, {name}"] = partial(jury_method, pictures, config, (juror,))
    return found


def valence_regression(pictures: Pictures) -> Matrix:
    """Support vector regression of valence, taught by the other paintings alone, for the held-out ones.

    Its penalty is chosen by rank correlation in the parts that are trained on.

    Returns:
        shape ``(held out,)``, as a share: the sign of the prediction is that of its difference from one half.
    """
    offset, valence = pictures.count, pictures.valence
    features = pictures.coordinates
    rows = np.flatnonzero(np.isfinite(valence) & (pictures.parts > 0))
    scale = valence[rows].std()

    def fitted(few: Rows, penalty: float) -> SVR:
        return SVR(C=penalty, gamma=0.2).fit(features[offset + few], valence[few] / scale)

    def score(penalty: float) -> float:
        predicted = np.empty(len(rows))
        for number in np.unique(pictures.parts[rows]):
            own = pictures.parts[rows] == number
            predicted[own] = fitted(rows[~own], penalty).predict(features[offset + rows[own]])
        return float(spearmanr(predicted, valence[rows]).statistic)

    best = max((0.3, 1.0, 3.0), key=score)
    whole = np.concatenate(pictures.projection(pictures.raw[0][pictures.test_others]), 1)
    predicted: Matrix = fitted(rows, best).predict(whole)
    shares: Matrix = 1 / (1 + np.exp(-predicted))
    return shares

"""Everything that the benchmark compares: the jury, others' methods, and variants of the jury."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.svm import SVR
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from albumjudge.models.vgg16 import FEATURE_WIDTHS, VGG16EmotionClassifier
from training.data.abstract import PaintingSet
from training.judge import baselines
from training.judge.evaluation import Method
from training.judge.features import means_and_maxima
from training.judge.fine_tuning import PRESETS, JudgeConfig, Views, compute_views
from training.judge.fine_tuning import fit as fine_tune
from training.judge.jurors import JURORS, JurorConfig, JuryConfig, fit_jury
from training.judge.kernel_regression import Matrix
from training.judge.pictures import Pictures
from training.metrics.distributions import Shares

Rows = NDArray[np.int64]


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


def jury_method(
    pictures: Pictures,
    config: JuryConfig,
    jurors: Sequence[JurorConfig],
    train: Rows,
    test: Rows,
    shares: Shares,
) -> NDArray[np.float64]:
    """Each juror's shares for whole, unmirrored pictures, shape ``(jurors, tests, 8)``."""
    return fit_jury(replace(pictures, shares=shares), train, config, jurors).predict(pictures, test)


def baseline_method(
    features: Matrix,
    baseline: Callable[[Matrix, Matrix, Matrix], Matrix],
    train: Rows,
    test: Rows,
    shares: Shares,
) -> NDArray[np.float64]:
    """A method of :mod:`training.judge.baselines`, trained on the abstract paintings alone."""
    with threadpool_limits(limits=1, user_api="blas"):
        return baseline(features[train], features[test], shares[train])[None]


class SeedRecipe:
    """The 2019 project's recipe: the argmax alone, VGG16's last block fine-tuned.

    Args:
        features: ImageNet's convolutions.
        paintings: all that are tested on, those with votes first.
    """

    def __init__(self, features: torch.nn.Module, paintings: PaintingSet) -> None:
        self.config: JudgeConfig = PRESETS["seed"]
        self.paintings = paintings
        torch.manual_seed(self.config.seed)
        self.start = VGG16EmotionClassifier(size=self.config.size).eval()
        self.start.features.load_state_dict(features.state_dict())
        self.views: Views | None = None

    def __call__(self, train: Rows, test: Rows, shares: Shares) -> NDArray[np.float64]:
        self.views = self.views or compute_views(self.start, self.paintings, self.config)
        rows = torch.from_numpy(train), torch.from_numpy(test)
        _, _, found = fine_tune(self.start, self.views, self.paintings, self.config, *rows, "seed's recipe")
        return found[None]


def methods(
    pictures: Pictures,
    lite: Matrix,
    config: JuryConfig,
    seed_recipe: SeedRecipe | None,
    *,
    ablations: bool,
) -> dict[str, Method]:
    """All methods by row id."""
    features = means_and_maxima(pictures.raw[0])
    last = features[:, -FEATURE_WIDTHS[-1] : -FEATURE_WIDTHS[-1] // 2]
    complete = JURORS[0]
    variants = {
        "one juror, without scales": (config, replace(complete, scales=False)),
        "one juror, without a domain classifier": (config, replace(complete, separation=0.0)),
        "one juror, abstract paintings alone": (config, replace(complete, abstract_share=1.0)),
        "one juror, other paintings alone": (config, replace(complete, abstract_share=0.0)),
    }
    found: dict[str, Method] = {
        "mean_prediction": partial(baseline_method, last, baselines.always_the_mean),
        "always the majority’s emotion": partial(baseline_method, last, baselines.majority),
        "k nearest neighbours (AA-kNN)": partial(baseline_method, features, baselines.nearest_neighbours),
        "SA-BFGS on conv5_3": partial(baseline_method, last, baselines.sa_bfgs),
        "linear_probe": partial(baseline_method, features, baselines.linear_probe),
        "rival: EfficientNet-lite0 probe": partial(baseline_method, lite, baselines.linear_probe),
    }
    if seed_recipe:
        found["seed_recipe"] = seed_recipe
    found["jury"] = partial(jury_method, pictures, config, JURORS)
    if ablations:
        found |= {
            name: partial(jury_method, pictures, each, (juror,)) for name, (each, juror) in variants.items()
        }
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
        return float(np.corrcoef(rankdata(predicted), rankdata(valence[rows]))[0, 1])

    best = max((0.3, 1.0, 3.0), key=score)
    whole = np.concatenate(pictures.projection(pictures.raw[0][pictures.test_others]), 1)
    predicted: Matrix = fitted(rows, best).predict(whole)
    shares: Matrix = 1 / (1 + np.exp(-predicted))
    return shares

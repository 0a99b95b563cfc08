"""Both data sets as the jury's fit takes them: distances between pictures, and predicted scales.

Nothing here depends on the votes on the abstract paintings, so one set serves all splits of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from albumjudge.models.multitask_jury import FEATURE_WIDTHS, ColourFeatures
from training.data.abstract import PaintingSet
from training.data.paintings import OtherPaintings
from training.judge.features import Projection, features_of
from training.judge.kernel_regression import Fit, Matrix, fit_ridge, rational_quadratic, squared_distances
from training.judge.label_conversion import valence
from training.judge.protocols import PARTS, part

COMPONENTS = (48, 64, 96, 128, 128, 48)
COLOUR_WEIGHT = 0.5
SCALE_RIDGE = 0.3
SHARPNESS = 0.5
DOMAIN_BLOCKS, DOMAIN_SHARPNESS = (1, 2, 3), 0.1


@dataclass(frozen=True)
class Pictures:
    """Abstract paintings, then other paintings. Rows and columns of matrices run over both.

    Attributes:
        shares: of votes on the abstract paintings, shape ``(a, 8)``.
        columns, scores: the other paintings' scales, shape ``(p, k)``, NaN where nobody was asked.
        parts: of each other painting, 0 is held out, shape ``(p,)``.
        raw: features of whole pictures and their mirror images, each ``(a + p, sum(FEATURE_WIDTHS))``.
        projection: fitted on the pictures that may be trained on.
        coordinates: of training pictures (mean of both views), shape ``(a + p, sum(COMPONENTS))``.
        train_distances: by group of features, between training pictures, shape ``(groups, a + p, a + p)``.
        test_distances: from whole pictures to training pictures, same shape.
        scale_attention, domain_attention: of the groups in the kernels that predict scales and domains.
        scale_fit: kernel ridge regression of standardised scales on ``train_others``.
        train_scales: predicted without the painting's own part, shape ``(a + p, k + 1)``.
        test_scales: predicted from whole pictures.
    """

    shares: Matrix
    columns: tuple[str, ...]
    scores: Matrix
    parts: NDArray[np.int64]
    raw: tuple[Matrix, Matrix]
    projection: Projection
    coordinates: Matrix
    train_distances: Matrix
    test_distances: Matrix
    scale_attention: Matrix
    domain_attention: Matrix
    scale_fit: Fit
    train_scales: Matrix
    test_scales: Matrix

    @property
    def count(self) -> int:
        """Number of abstract paintings."""
        return len(self.shares)

    @property
    def train_others(self) -> NDArray[np.int64]:
        """Rows of the other paintings that may be trained on."""
        return self.count + np.flatnonzero(self.parts)

    @property
    def test_others(self) -> NDArray[np.int64]:
        """Rows of the other paintings that are held out."""
        return self.count + np.flatnonzero(self.parts == 0)

    @property
    def valence(self) -> Matrix:
        """Of each other painting, shape ``(p,)``, NaN where unknown."""
        return valence(self.columns, self.scores)

    @cached_property
    def inner(self) -> tuple[Pictures, ...]:
        """The pictures that may be trained on, each time with another part of the other paintings held out."""
        kept = self.parts > 0
        rows = np.r_[np.arange(self.count), self.train_others]
        whole, mirrored = self.raw
        return tuple(
            arrange(
                self.shares,
                self.columns,
                self.scores[kept],
                np.where(self.parts[kept] == number, 0, self.parts[kept]),
                whole[rows],
                mirrored[rows],
            )
            for number in range(1, PARTS)
        )


def group_weights(blocks: tuple[int, ...] = (1, 2, 3, 4, 5), colour: float = COLOUR_WEIGHT) -> Matrix:
    """Weight of each group of features in a distance: 1 for each of the blocks, another for colours."""
    return np.array([*(float(number in blocks) for number in range(1, len(FEATURE_WIDTHS))), colour])


def gather_pictures(
    paintings: PaintingSet, others: OtherPaintings, backbone: ColourFeatures, cache: Path | None = None
) -> Pictures:
    """Compute all features, or read what was computed before, and arrange them."""
    whole, mirrored = (
        np.concatenate(
            [features_of(backbone, each.pixels, mirrored=side, cache=cache) for each in (paintings, others)]
        )
        for side in (False, True)
    )
    parts = np.array([part(name) for name in others.file_names])
    return arrange(paintings.shares, others.columns, others.scores, parts, whole, mirrored)


def arrange(
    shares: Matrix,
    columns: tuple[str, ...],
    scores: Matrix,
    parts: NDArray[np.int64],
    whole: Matrix,
    mirrored: Matrix,
) -> Pictures:
    """Distances and predicted scales from features of whole and mirrored pictures; see :class:`Pictures`."""
    may = np.r_[np.arange(len(shares)), len(shares) + np.flatnonzero(parts)]
    both = (whole + mirrored) / 2
    projection = Projection.fit(both[may], COMPONENTS)
    train, test = projection(both), projection(whole)
    train_distances = np.stack([squared_distances(each, each) for each in train])
    test_distances = np.stack([squared_distances(a, b) for a, b in zip(test, train, strict=True)])
    scale_attention, domain_attention = (
        weights * sharpness / np.median(np.tensordot(weights, train_distances, 1)[np.ix_(may, may)])
        for weights, sharpness in (
            (group_weights(), SHARPNESS),
            (group_weights(DOMAIN_BLOCKS, 0.0), DOMAIN_SHARPNESS),
        )
    )
    train_kernel, test_kernel = (
        rational_quadratic(np.tensordot(scale_attention, each, 1))
        for each in (train_distances, test_distances)
    )
    targets = np.column_stack([scores, valence(columns, scores)])
    scale_fit, train_scales, test_scales = predict_scales(train_kernel, test_kernel, targets, parts)
    return Pictures(
        shares,
        columns,
        scores,
        parts,
        (whole, mirrored),
        projection,
        np.concatenate(train, 1),
        train_distances,
        test_distances,
        scale_attention,
        domain_attention,
        scale_fit,
        train_scales,
        test_scales,
    )


def predict_scales(
    train_kernel: Matrix, test_kernel: Matrix, targets: Matrix, parts: NDArray[np.int64]
) -> tuple[Fit, Matrix, Matrix]:
    """Predict the other paintings' scales for all pictures.

    Args:
        train_kernel, test_kernel: shape ``(a + p, a + p)``.
        targets: shape ``(p, k)``.
        parts: shape ``(p,)``; part 0 is never trained on.

    Returns:
        the regression from kernel values of the other paintings in parts 1 to 4 to predictions that are
        standardised over these; predictions for training, in which no painting's own part was used, and for
        tests.
    """
    offset = len(train_kernel) - len(parts)
    rows = np.flatnonzero(parts)

    def fit(few: NDArray[np.int64]) -> Fit:
        return fit_ridge(train_kernel[np.ix_(offset + few, offset + few)], targets[few], SCALE_RIDGE)

    whole = fit(rows)
    train = whole.logits(train_kernel[:, offset + rows])
    test = whole.logits(test_kernel[:, offset + rows])
    for number in range(1, PARTS):
        few, own = np.flatnonzero((parts != 0) & (parts != number)), np.flatnonzero(parts == number)
        train[offset + own] = fit(few).logits(train_kernel[np.ix_(offset + own, offset + few)])
    centre, spread = train[offset + rows].mean(0), train[offset + rows].std(0) + 1e-9
    scaled = Fit(whole.weights / spread, (whole.bias - centre) / spread)
    return scaled, (train - centre) / spread, (test - centre) / spread

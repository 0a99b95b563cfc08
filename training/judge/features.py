"""Features of pictures, computed once and kept on disk, and their principal components."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from tqdm import tqdm

from albumjudge.models.multitask_jury import FEATURE_WIDTHS, ColourFeatures
from albumjudge.models.vgg16 import FEATURE_WIDTHS as VGG16_WIDTHS
from training.engine.state import write_state
from training.judge.kernel_regression import Matrix
from training.metrics.imagenet import vgg16_features

SPREAD_FLOOR = 1e-3
"""Added to deviations, so that a map that is always silent stays silent. Features are of the order of one."""


def imagenet_backbone(size: int, features: Path | None) -> ColourFeatures:
    """A backbone with ImageNet's weights; arguments as for :func:`training.metrics.imagenet.vgg16_features`."""
    backbone = ColourFeatures(size)
    backbone.features = vgg16_features(features)
    return backbone.eval().requires_grad_(False)


def means_and_maxima(features: Matrix) -> Matrix:
    """Of all features only the blocks' means and maxima, ``(n, 2944)``: what the linear probe is given."""
    blocks = np.split(features, np.cumsum(FEATURE_WIDTHS)[:-1], axis=1)
    return np.concatenate([block[:, :w] for block, w in zip(blocks, VGG16_WIDTHS, strict=False)], axis=1)


@torch.inference_mode()
def features_of(
    backbone: ColourFeatures, pixels: NDArray[np.uint8], *, mirrored: bool = False, cache: Path | None = None
) -> Matrix:
    """Features of pictures, float64, shape ``(n, sum(FEATURE_WIDTHS))``.

    Args:
        pixels: uint8, shape ``(n, side, side, 3)``, RGB.
        mirrored: of the mirror images instead.
        cache: folder in which features are kept.
    """
    key = hashlib.sha256(pixels.tobytes())
    key.update(f"{pixels.shape}{backbone.size}{mirrored}{FEATURE_WIDTHS}".encode())
    for parameter in backbone.features.parameters():
        key.update(parameter.numpy().tobytes()[:4096])
    file = None if cache is None else cache / f"features-{key.hexdigest()[:32]}.safetensors"
    if file is not None and file.is_file():
        try:
            return load_file(file)["features"].double().numpy()
        except (OSError, SafetensorError, KeyError):
            pass  # Written again below.
    parts = []
    for batch in tqdm(np.array_split(pixels, max(1, len(pixels) // 32)), desc="features", mininterval=10):
        images = torch.from_numpy(np.ascontiguousarray(batch)).permute(0, 3, 1, 2).float() / 255
        parts.append(backbone.extract(images.flip(3) if mirrored else images))
    found = torch.cat(parts)
    if file is not None:
        write_state(file, {"features": found}, {})
    return found.double().numpy()


@dataclass(frozen=True)
class Projection:
    """Principal components of each group of standardised features; a group's variance is one in all.

    Attributes:
        centre: shape ``(sum(FEATURE_WIDTHS),)``.
        bases: of each group, shape ``(width, components)``.
    """

    centre: Matrix
    bases: tuple[Matrix, ...]

    @classmethod
    def fit(cls, features: Matrix, components: Sequence[int]) -> Projection:
        """Fit on features of shape ``(n, sum(FEATURE_WIDTHS))``; colours are not standardised one by one."""
        centre, bases = features.mean(0), []
        groups = np.split(features - centre, np.cumsum(FEATURE_WIDTHS)[:-1], axis=1)
        for number, (group, kept) in enumerate(zip(groups, components, strict=True)):
            colours = number == len(groups) - 1
            spread = np.ones(group.shape[1]) if colours else group.std(0) + SPREAD_FLOOR
            scaled = group / spread
            _, singular, axes = np.linalg.svd(scaled, full_matrices=False)
            deviation = np.sqrt((singular**2).sum() / len(scaled))
            bases.append(axes[:kept].T / deviation / spread[:, None])
        return cls(centre, tuple(bases))

    def __call__(self, features: Matrix) -> list[Matrix]:
        """Components of each group, shapes ``(n, components)``."""
        groups = np.split(features - self.centre, np.cumsum(FEATURE_WIDTHS)[:-1], axis=1)
        return [group @ basis for group, basis in zip(groups, self.bases, strict=True)]

"""What ImageNet's VGG16 reports about pictures, kept on disk: the one slow part of every judge's training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from tqdm import tqdm

from albumjudge.models.jury import JURY_FEATURE_WIDTHS, JuryFeatures
from albumjudge.models.vgg16 import FEATURE_WIDTHS
from training.engine.state import write_state
from training.judge.kernel_regression import Matrix
from training.metrics.imagenet import vgg16_features


def imagenet_trunk(size: int, features: Path | None) -> JuryFeatures:
    """A trunk with ImageNet's weights; arguments as for :func:`training.metrics.imagenet.vgg16_features`."""
    trunk = JuryFeatures(size)
    trunk.features = vgg16_features(features)
    return trunk.eval().requires_grad_(False)


def plain(reports: Matrix) -> Matrix:
    """Of what a jury hears, ``(n, 4416)``, what a plain trunk reports: means and maxima, ``(n, 2944)``."""
    blocks = np.split(reports, np.cumsum(JURY_FEATURE_WIDTHS)[:-1], axis=1)
    return np.concatenate([block[:, :w] for block, w in zip(blocks, FEATURE_WIDTHS, strict=True)], axis=1)


@torch.inference_mode()
def reports_of(
    trunk: JuryFeatures, pixels: NDArray[np.uint8], *, mirrored: bool = False, cache: Path | None = None
) -> Matrix:
    """Reports on pictures.

    Args:
        pixels: uint8, shape ``(n, side, side, 3)``, RGB.
        mirrored: report on the mirror images instead.
        cache: folder in which reports are kept; the same pictures are looked at once only.

    Returns:
        float64, shape ``(n, 4416)``.
    """
    key = hashlib.sha256(pixels.tobytes())
    key.update(f"{pixels.shape}{trunk.size}{mirrored}{JURY_FEATURE_WIDTHS}".encode())
    for parameter in trunk.features.parameters():
        key.update(parameter.numpy().tobytes()[:4096])
    file = None if cache is None else cache / f"reports-{key.hexdigest()[:32]}.safetensors"
    if file is not None and file.is_file():
        try:
            return load_file(file)["reports"].double().numpy()
        except (OSError, SafetensorError, KeyError):
            pass  # Written again below.
    parts = []
    for part in tqdm(np.array_split(pixels, max(1, len(pixels) // 32)), desc="trunk", mininterval=10):
        images = torch.from_numpy(np.ascontiguousarray(part)).permute(0, 3, 1, 2).float() / 255
        parts.append(trunk.extract(images.flip(3) if mirrored else images))
    reports = torch.cat(parts)
    if file is not None:
        write_state(file, {"reports": reports}, {})
    return reports.double().numpy()


def both_ways(trunk: JuryFeatures, pixels: NDArray[np.uint8], cache: Path | None = None) -> Sequence[Matrix]:
    """Reports on pictures as they are, and on their mirror images."""
    return [reports_of(trunk, pixels, mirrored=mirrored, cache=cache) for mirrored in (False, True)]

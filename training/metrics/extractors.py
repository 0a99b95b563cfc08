"""Several pairs of eyes for covers, and a memory of what they saw."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

from training.evaluate_painter import SEEN_SIZE, Describer, describe
from training.metrics.efficientnet import LiteFeatures
from training.metrics.imagenet import vgg16_features
from training.metrics.lpips import Perceptual, fitted_weights

Pixels = NDArray[np.uint8]
Features = NDArray[np.float64]
PART = 250
DIVERSITY_COVERS = 500


class AllViews(nn.Module):
    """VGG16's conv5_3 in three states, from one pass: before its ReLU, after it, and after the maximum pool.

    Args:
        trunk: VGG16's convolutions, see :func:`training.metrics.imagenet.vgg16_features`.
        halved: convolve in bfloat16: faster where the processor multiplies in it.

    Returns:
        maps of ``(n, 3 * 512, h / 16, w / 16)``; the pooled map is repeated to the size of the others, which
        leaves its mean as it is.
    """

    halved: Tensor

    def __init__(self, trunk: nn.Sequential, *, halved: bool = False) -> None:
        super().__init__()
        self.trunk = trunk[:29].to(memory_format=torch.channels_last)
        # As a buffer it is part of the network's fingerprint: features of the two kinds do not mix in a cache.
        self.register_buffer("halved", torch.tensor(halved))

    def forward(self, pictures: Tensor) -> Tensor:
        with torch.autocast(pictures.device.type, torch.bfloat16, enabled=bool(self.halved)):
            before = self.trunk(pictures.contiguous(memory_format=torch.channels_last)).float()
        after = before.relu()
        pooled = interpolate(max_pool2d(after, 2), before.shape[-2:], mode="nearest")
        return torch.cat([before, after, pooled], 1)


class LiteStages(nn.Module):
    """Means of EfficientNet-lite0's four maps, ``(n, 496, 1, 1)``; the last 320 are of the last stage."""

    def __init__(self) -> None:
        super().__init__()
        self.network = LiteFeatures(SEEN_SIZE)

    def forward(self, pictures: Tensor) -> Tensor:
        maps = self.network(2 * pictures - 1)
        return torch.cat([m.mean((2, 3), keepdim=True) for m in maps], 1)


@dataclass(frozen=True)
class Extractors:
    """What looks at covers.

    Attributes:
        vgg: describes by three views of equal length, see :class:`AllViews`.
        lite: describes by ``lite_last`` numbers for distances, after others.
        perceptual: compares by LPIPS.
    """

    vgg: Describer
    lite: Describer
    lite_last: int
    perceptual: Perceptual


def load_extractors(features: Path | None, *, halved: bool = False) -> Extractors:
    """VGG16, EfficientNet-lite0 and LPIPS.

    Args:
        features: see :func:`training.metrics.imagenet.vgg16_features`.
        halved: VGG16 describes in bfloat16; the others never do.

    Raises:
        DataError: if weights or packages are missing.
    """
    trunk = vgg16_features(features)
    lite = Describer(LiteStages(), 496)
    # LiteFeatures normalises by itself.
    lite.mean.zero_()
    lite.deviation.fill_(1)
    perceptual = Perceptual(trunk, fitted_weights())
    return Extractors(Describer(AllViews(trunk, halved=halved), 3 * 512), lite, 320, perceptual)


@dataclass(frozen=True)
class Described:
    """Features of n covers: VGG16 before ReLU, after it, and pooled, each ``(n, d)``; lite0's, ``(n, e)``."""

    before: Features
    after: Features
    pooled: Features
    lite: Features

    def joined(self) -> Features:
        """What labels are read from."""
        return np.concatenate([self.pooled, self.lite], axis=1)


class Looker:
    """Describes covers by :class:`Extractors`, some hundred at a time, and remembers in a folder."""

    def __init__(self, eyes: Extractors, cache: Path | None) -> None:
        self.eyes, self.cache = eyes, cache

    def describe(self, covers: Pixels, name: str) -> Described:
        """Features of uint8 covers, shape ``(n, 3, s, s)``."""
        seen = []
        for describer in (self.eyes.vgg, self.eyes.lite):
            parts = [
                describe(covers[start : start + PART], describer, name=f"{name} {start}", cache=self.cache)
                for start in range(0, len(covers), PART)
            ]
            seen.append(torch.cat(parts).double().numpy())
        before, after, pooled = np.split(seen[0], 3, axis=1)
        return Described(before, after, pooled, seen[1])

    def diversity(self, covers: Pixels) -> float:
        """Mean LPIPS of the first covers, each to the next."""
        covers = np.ascontiguousarray(covers[:DIVERSITY_COVERS])
        digest = hashlib.sha256(f"ring {covers.shape}".encode() + covers.tobytes())
        for weights in self.eyes.perceptual.weights:
            digest.update(weights.numpy().tobytes())
        kept = self.cache / f"{digest.hexdigest()[:32]}.safetensors" if self.cache else None
        if kept and kept.is_file():
            try:
                return float(load_file(kept)["ring"].mean())
            except (SafetensorError, KeyError):
                kept.unlink()  # half written by a run that was killed
        ring = self.eyes.perceptual.ring(torch.from_numpy(covers))
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            save_file({"ring": ring}, kept)
        return float(ring.mean())

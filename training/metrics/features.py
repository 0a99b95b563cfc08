"""Features of covers by networks trained on ImageNet, kept in a folder so that a repeat takes seconds."""

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
from tqdm import tqdm

from training.metrics.efficientnet import LiteFeatures
from training.metrics.imagenet import DEVIATION, MEAN, vgg16_features
from training.metrics.lpips import lpips_network

Pixels = NDArray[np.uint8]
Features = NDArray[np.float64]
SIDE = 128
"""Covers are enlarged to this side in pixels before a network sees them."""
BATCH, KEPT_TOGETHER = 32, 256


class Vgg16Conv5(nn.Module):
    """Means of VGG16's conv5_3 before its ReLU, after it, and after the 2x2 maximum that follows.

    Covers, uint8 ``(n, 3, s, s)``, to float32 ``(n, 3 * 512)``.

    Args:
        trunk: see :func:`training.metrics.imagenet.vgg16_features`.
        halved: convolve in bfloat16, which is faster where the processor multiplies in it.
    """

    mean: Tensor
    deviation: Tensor
    halved: Tensor

    def __init__(self, trunk: nn.Sequential, *, halved: bool = False) -> None:
        super().__init__()
        self.trunk = trunk[:29].to(memory_format=torch.channels_last)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None])
        # As a buffer it is part of the network's hash, so that features of the two kinds do not mix in a cache.
        self.register_buffer("halved", torch.tensor(halved))

    def forward(self, covers: Tensor) -> Tensor:
        pictures = covers.to(self.mean.device).float() / 255
        if pictures.shape[-1] != SIDE:
            pictures = interpolate(pictures, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        pictures = ((pictures - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
        with torch.autocast(pictures.device.type, torch.bfloat16, enabled=bool(self.halved)):
            before = self.trunk(pictures).float()
        maps = before, before.relu(), max_pool2d(before.relu(), 2)
        return torch.cat([m.mean((2, 3)) for m in maps], 1)


class Lite0Stages(nn.Module):
    """Means of EfficientNet-lite0's four stages: uint8 ``(n, 3, s, s)`` to float32 ``(n, 496)``."""

    last = 320
    """Features of the last stage, at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.network = LiteFeatures(SIDE)

    def forward(self, covers: Tensor) -> Tensor:
        maps = self.network(covers.to(self.network.mean.device).float() / 127.5 - 1)
        return torch.cat([m.mean((2, 3)) for m in maps], 1)


@dataclass(frozen=True)
class CoverFeatures:
    """Features of n covers, float64.

    Attributes:
        conv, relu, pooled: VGG16's, each ``(n, 512)``; see :class:`Vgg16Conv5`.
        lite: EfficientNet-lite0's last stage, ``(n, 320)``.
        all_lite: of all its stages, ``(n, 496)``.
    """

    conv: Features
    relu: Features
    pooled: Features
    lite: Features
    all_lite: Features

    def joined(self) -> Features:
        """What genre and decade are recognised by, ``(n, 1008)``."""
        return np.concatenate([self.pooled, self.all_lite], axis=1)


class FeatureExtractor:
    """VGG16, EfficientNet-lite0 and LPIPS.

    Args:
        weights: see :func:`training.metrics.imagenet.vgg16_features`.
        cache: folder to keep features in, under a hash of covers and network; None keeps nothing.
        halved: VGG16 computes in bfloat16.

    Raises:
        DataError: if weights or packages are missing.
    """

    def __init__(self, weights: Path | None, cache: Path | None = None, *, halved: bool = False) -> None:
        trunk = vgg16_features(weights)
        self.vgg16: nn.Module = Vgg16Conv5(trunk, halved=halved)
        self.lite0: nn.Module = Lite0Stages()
        self.lpips = lpips_network(trunk)
        self.cache = cache

    def __call__(self, covers: Pixels, name: str) -> CoverFeatures:
        """Features of uint8 covers ``(n, 3, s, s)``; ``name`` stands beside the progress bar."""
        vgg16, lite = (extract(net, covers, name=name, cache=self.cache) for net in (self.vgg16, self.lite0))
        conv, relu, pooled = np.split(vgg16, 3, axis=1)
        return CoverFeatures(conv, relu, pooled, lite[:, -Lite0Stages.last :], lite)


@torch.inference_mode()
def extract(network: nn.Module, covers: Pixels, *, name: str = "", cache: Path | None = None) -> Features:
    """What a network makes of covers, ``(n, 3, s, s)`` to ``(n, d)``; kept part by part."""
    digest = hashlib.sha256(type(network).__name__.encode())
    for value in network.state_dict().values():
        digest.update(value.cpu().contiguous().numpy().tobytes())
    found = []
    for start in tqdm(range(0, len(covers), KEPT_TOGETHER), desc=name, leave=False):
        part = np.ascontiguousarray(covers[start : start + KEPT_TOGETHER])
        key = digest.copy()
        key.update(f"{part.shape}".encode() + part.tobytes())
        file = cache / f"{key.hexdigest()[:32]}.safetensors" if cache else None
        features = _kept(file)
        if features is None:
            features = torch.cat(
                [network(batch).cpu() for batch in torch.split(torch.from_numpy(part), BATCH)]
            )
            if file:
                file.parent.mkdir(parents=True, exist_ok=True)
                save_file({"features": features}, file)
        found.append(features)
    return torch.cat(found).double().numpy()


def _kept(file: Path | None) -> Tensor | None:
    try:
        return load_file(file)["features"] if file and file.is_file() else None
    except (SafetensorError, KeyError):
        return None  # Half written by a run that was killed.

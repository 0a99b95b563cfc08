"""What judges painted covers against real ones while the one-step painter learns."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu, pad
from torch.nn.utils.parametrizations import spectral_norm

from albumjudge.domain.conditions import DECADES, GENRES
from training.metrics.imagenet import DEVIATION, MEAN, vgg16_features

SLOPE = 0.2
FEATURE_LAYERS = {8: 128, 15: 256, 22: 512, 29: 512}
"""Layers of VGG16 that heads look at (conv2_2, 3_3, 4_3 and 5_3 after their ReLU), and their channels."""


class DownBlock(nn.Module):
    """Two convolutions beside a shortcut, at half the size."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, out_channels, 3, 1, 1)
        self.shortcut = nn.Conv2d(channels, out_channels, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        added = self.second(leaky_relu(self.first(leaky_relu(maps, SLOPE)), SLOPE))
        return avg_pool2d((added + self.shortcut(maps)) * 0.5**0.5, 2)


class PatchCritic(nn.Module):
    """Covers to logits of their patches at two scales (PatchGAN, Isola et al. 2017), without norms.

    Args:
        width: feature maps at full size; later ones are up to eight times as many.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        channels = [width, 2 * width, 4 * width, 8 * width]
        self.first = nn.Conv2d(3, width, 3, 1, 1)
        self.blocks = nn.ModuleList(DownBlock(a, b) for a, b in pairwise(channels))
        # A bias would cancel out in relativistic losses.
        self.logits = nn.ModuleList(nn.Conv2d(c, 1, 3, 1, 1, bias=False) for c in channels[2:])
        self.genre = nn.Embedding(len(GENRES) + 1, channels[-1])
        self.decade = nn.Embedding(len(DECADES) + 1, channels[-1])
        for embedding in (self.genre, self.decade):
            nn.init.normal_(embedding.weight, 0.0, 0.02)

    def forward(self, covers: Tensor, labels: Tensor) -> Tensor:
        """``(n, 3, s, s)`` and genres and decades ``(n, 2)`` to ``(n, p)``, a logit for each patch."""
        maps, found = self.first(covers), []
        for number, block in enumerate(self.blocks):
            maps = block(maps)
            if number:
                found.append(self.logits[number - 1](leaky_relu(maps, SLOPE)).flatten(1))
        condition = self.genre(labels[:, 0]) + self.decade(labels[:, 1])
        found[-1] = found[-1] + (maps.mean((2, 3)) * condition).sum(1, keepdim=True)
        return torch.cat(found, 1)


class FeatureCritic(nn.Module):
    """Light heads on frozen VGG16 features (Projected GAN, Sauer et al. 2021, https://arxiv.org/abs/2111.01007).

    Args:
        weights: see :func:`training.metrics.imagenet.vgg16_features`.
        width: channels of the heads.
    """

    def __init__(self, weights: Path | None, width: int = 128) -> None:
        super().__init__()
        self.trunk = [vgg16_features(weights)[: max(FEATURE_LAYERS) + 1].requires_grad_(False)]
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(channels, width, 1)),
                nn.LeakyReLU(SLOPE),
                spectral_norm(nn.Conv2d(width, width, 3, 1, 1)),
                nn.LeakyReLU(SLOPE),
                spectral_norm(nn.Conv2d(width, 1, 1, bias=False)),
            )
            for channels in FEATURE_LAYERS.values()
        )
        mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("deviation", deviation, persistent=False)
        self.mean: Tensor
        self.deviation: Tensor

    def forward(self, covers: Tensor) -> Tensor:
        """``(n, 3, s, s)`` to ``(n, 4)``, a logit of each head."""
        trunk = self.trunk[0].to(covers.device)  # In a list, so that it is in no state.
        maps = ((covers + 1) / 2 - self.mean) / self.deviation
        heads, found = iter(self.heads), []
        for number, layer in enumerate(trunk):
            maps = layer(maps) if not isinstance(layer, nn.ReLU) else maps.relu()
            if number in FEATURE_LAYERS:
                size = maps.detach().square().mean((1, 2, 3), keepdim=True).add(1e-4).sqrt()
                found.append(next(heads)(maps * (0.5 / size)).mean((1, 2, 3)))
        return torch.stack(found, 1)


def augment(covers: Tensor, rng: torch.Generator) -> Tensor:
    """DiffAugment (Zhao et al. 2020, https://arxiv.org/abs/2006.10738): colour, translation, cutout.

    Args:
        covers: ``(n, 3, s, s)`` in [-1, 1].
    """
    count, _, side, _ = covers.shape

    def uniform(low: float, high: float) -> Tensor:
        return (torch.rand(count, 1, 1, 1, generator=rng) * (high - low) + low).to(covers.device)

    covers = covers + uniform(-0.25, 0.25)
    grey = covers.mean(1, keepdim=True)
    covers = (covers - grey) * uniform(0.5, 1.5) + grey
    mean = covers.mean((1, 2, 3), keepdim=True)
    covers = (covers - mean) * uniform(0.75, 1.25) + mean
    reach, hole = side // 8, side // 3
    moves = torch.randint(0, 2 * reach + 1, (count, 2), generator=rng).tolist()
    padded = pad(covers, (reach,) * 4)
    covers = torch.stack([p[:, y : y + side, x : x + side] for p, (y, x) in zip(padded, moves, strict=True)])
    centres = torch.randint(0, side, (2, count, 1), generator=rng)
    near_rows, near_columns = ((torch.arange(side) - centres).abs() < hole // 2).to(covers.device)
    augmented: Tensor = covers * ~(near_rows[:, None, :, None] & near_columns[:, None, None, :])
    return augmented

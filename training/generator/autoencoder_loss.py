"""The encoder and the perceptual loss of the autoencoder; neither is needed to paint."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, normalize

from albumjudge.models.flow import SLOPE, ResidualBlock
from training.metrics.efficientnet import LiteFeatures


class Encoder(nn.Module):
    """Covers to latent images with mean 0 and deviation 1 in every channel.

    Args:
        depth: channels of a latent image.
        width: feature maps at half the size of the cover.
    """

    def __init__(self, depth: int = 12, width: int = 48) -> None:
        super().__init__()
        channels = [3, width, 2 * width, 4 * width]
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in pairwise(channels))
        self.blocks = nn.ModuleList(ResidualBlock(wide) for wide in channels[2:])
        self.last = nn.Conv2d(channels[-1], depth, 3, 1, 1)
        self.norm = nn.BatchNorm2d(depth, affine=False)
        for layer in (*self.down, self.last):
            nn.init.kaiming_normal_(layer.weight, SLOPE)
            nn.init.zeros_(layer.bias)

    def forward(self, covers: Tensor) -> Tensor:
        """Float, ``(n, 3, s, s)``, RGB in [-1, 1], to ``(n, depth, s / 8, s / 8)``."""
        maps = leaky_relu(self.down[0](covers), SLOPE)
        for down, block in zip(list(self.down)[1:], self.blocks, strict=True):
            maps = leaky_relu(block(down(maps)), SLOPE)
        latent_images: Tensor = self.norm(self.last(maps))
        return latent_images


def perceptual_loss(features: LiteFeatures, ours: Tensor, theirs: Tensor) -> Tensor:
    """LPIPS (Zhang et al. 2018) without its learnt weights, over the frozen network's first three maps."""
    with torch.no_grad():
        targets = features(theirs)
    total = torch.zeros((), device=ours.device)
    for mine, target in zip(features(ours)[:3], targets[:3], strict=True):
        total = total + (normalize(mine, dim=1) - normalize(target, dim=1)).square().sum(1).mean()
    return total

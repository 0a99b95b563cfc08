"""Covers to sketches: who teaches the inker what a sketch is, and is not needed afterwards."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from albumjudge.models.flow import SLOPE, ResidualBlock
from training.metrics.efficientnet import LiteFeatures

NOISE = 0.25
"""Deviation of what is added to sketches while the inker learns, in deviations of a sketch: so whoever dreams
them up will be forgiven an error of that size."""


class Encoder(nn.Module):
    """Covers to sketches with mean 0 and deviation 1 in every channel.

    Args:
        depth: numbers at each point of a sketch.
        width: feature maps at half the size of the cover.
    """

    def __init__(self, depth: int = 12, width: int = 48) -> None:
        super().__init__()
        wide = [3, width, 2 * width, 4 * width]
        self.halve = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in pairwise(wide))
        self.rework = nn.ModuleList(ResidualBlock(channels) for channels in wide[2:])
        self.leave = nn.Conv2d(wide[-1], depth, 3, 1, 1)
        self.level = nn.BatchNorm2d(depth, affine=False)
        for layer in (*self.halve, self.leave):
            nn.init.kaiming_normal_(layer.weight, SLOPE)
            nn.init.zeros_(layer.bias)

    def forward(self, covers: Tensor) -> Tensor:
        """Float, ``(n, 3, s, s)``, RGB in [-1, 1], to ``(n, depth, s / 8, s / 8)``."""
        maps = leaky_relu(self.halve[0](covers), SLOPE)
        for halve, rework in zip(list(self.halve)[1:], self.rework, strict=True):
            maps = leaky_relu(rework(halve(maps)), SLOPE)
        sketches: Tensor = self.level(self.leave(maps))
        return sketches


def unlikeness(features: LiteFeatures, ours: Tensor, theirs: Tensor) -> Tensor:
    """How different two batches of covers look to the frozen network, a scalar from 0 on.

    As LPIPS (Zhang et al. 2018) without its learnt weights: features of a point are scaled to length one, and
    squared differences are summed over channels and averaged over points; three maps are added.
    """
    with torch.no_grad():
        right = features(theirs)
    total = torch.zeros((), device=ours.device)
    for mine, others in zip(features(ours)[:3], right[:3], strict=True):
        gap = nn.functional.normalize(mine, dim=1) - nn.functional.normalize(others, dim=1)
        total = total + gap.square().sum(1).mean()
    return total
